// While a prompt is being typed, each placeholder's mark says at once whether it stands in it.
(() => {
  if (window.attendingPlaceholders) return;
  window.attendingPlaceholders = true;
  document.addEventListener("input", (event) => {
    if (!event.target.closest?.('[class*="st-key-prompts-"][class*="-text"]')) return;
    for (const mark of document.querySelectorAll(".placeholders code")) {
      const count = event.target.value.split(mark.textContent).length - 1;
      const many = mark.dataset.many === "true";
      mark.dataset.count = count;
      mark.dataset.state = count === 0 ? "missing" : count > 1 && !many ? "repeated" : "once";
    }
  }, true);
})();
