/** Form of the names of tasks and sub-tasks. Paths and logs can hold such a name unchanged. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export const NAME_FORM = '1 to 64 letters, digits, ".", "_" and "-", beginning with a letter or digit';
