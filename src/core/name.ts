/** What tasks and sub-tasks may be called: what paths and logs can hold as it is. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export const NAME_FORM = '1 to 64 letters, digits, ".", "_" and "-", beginning with a letter or digit';
