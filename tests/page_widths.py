"""At which widths pages are read, and what reaches past the window there."""

#: A phone, a tablet, two screens; and the text of a sheet of A4, all in pixels of CSS.
WIDTHS = (390, 768, 1200, 1600)
A4 = 718
#: Elements past the window that nothing around them scrolls, how many boxes have more in them than they show, and by
#: how much the page itself is too wide.
OUTSIDE = """() => {
  const scrolls = (one) => ["auto", "scroll"].includes(getComputedStyle(one).overflowX);
  const held = (one) => one && (scrolls(one) || held(one.parentElement));
  const all = [...document.body.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().width > 0);
  const past = all.filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1);
  return {
    out: past.filter((one) => !held(one.parentElement)).map((one) => one.outerHTML.slice(0, 80)),
    held: all.filter((one) => scrolls(one) && one.scrollWidth > one.clientWidth + 1).length,
    page: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
}"""
