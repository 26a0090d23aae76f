/**
 * The labels of a text such as `tenant:acme city:New York`: each begins with a name, and its value may have spaces.
 *
 * @param {string} text
 */
export function labelsIn(text) {
  return text
    .trim()
    .split(/\s+(?=[\w.-]+:)/)
    .filter(Boolean);
}
