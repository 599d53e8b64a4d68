// What a keyboard needs that widgets don't give: a held key scores once, N goes to the comment,
// Escape leaves it, and what is typed there is kept while it is typed.
(() => {
  if (window.attendingKeys) return;
  window.attendingKeys = true;
  const isField = (element) => element.matches?.("input, textarea, [contenteditable=true]");
  const comment = () => document.querySelector('[class*="st-key-review-"][class*="-comment"] input');
  document.addEventListener("keydown", (event) => {
    if (isField(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.repeat) {
      event.stopImmediatePropagation();
      event.preventDefault();
    } else if (event.key === "n" && comment() && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      comment().focus();
    }
  }, true);
  let waiting;
  const keep = (field) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      if (document.activeElement !== field) return;
      const { selectionStart, selectionEnd } = field;
      field.blur();
      field.focus();
      field.setSelectionRange(selectionStart, selectionEnd);
    }, 700);
  };
  document.addEventListener("input", (event) => {
    if (event.target === comment() && !event.isComposing) keep(event.target);
  });
  document.addEventListener("compositionend", (event) => {
    if (event.target === comment()) keep(event.target);
  });
})();
