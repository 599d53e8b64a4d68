// What a keyboard needs that widgets don't give: a key that is held or struck twice acts once, N goes
// to the comment, Escape leaves it.
(() => {
  if (window.attendingKeys) return;
  window.attendingKeys = true;
  const isField = (element) => element.matches?.("input, textarea, [contenteditable=true]");
  const strikeTwice = 350; // milliseconds
  let last = { key: "", at: 0 };
  const comment = () => document.querySelector('[class*="st-key-review-"][class*="-comment"] input');
  document.addEventListener("keydown", (event) => {
    if (isField(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const isSecondStrike = event.key === last.key && event.timeStamp - last.at < strikeTwice;
    last = { key: event.key, at: event.timeStamp };
    if (event.repeat || isSecondStrike) {
      event.stopImmediatePropagation();
      event.preventDefault();
    } else if (event.key === "n" && comment() && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      comment().focus();
    }
  }, true);
})();
