/** What plots of the page share. */

/** The library for plots and its style: no other screen needs them. */
export async function loadPlot() {
  if (!document.querySelector('link[href="vendor/uplot.css"]'))
    document.head.append(
      Object.assign(document.createElement('link'), { rel: 'stylesheet', href: 'vendor/uplot.css' }),
    );
  const { default: Plot } = await import('../vendor/uplot.js');
  return Plot;
}

/** A colour of the style by its name: a canvas doesn't know `light-dark()`. @param {HTMLElement} element @param {string} name */
export function colourOf(element, name) {
  element.style.color = getComputedStyle(element).getPropertyValue(name);
  const { color } = getComputedStyle(element);
  element.style.color = '';
  return color;
}
