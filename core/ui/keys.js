// What a keyboard needs that widgets don't give: a key is for the button that is seen, one that answers
// and is held or struck twice acts once, N goes to the comment, Escape leaves it or the list of keys; digits fill the next dimension,
// Y, P and O mark the next requirement, Backspace takes the last one back. While a page starts, parts
// of it come in any order: till all are there nothing is scored, and what only opens something waits.
// And the clock of the response on the sheet.
(() => {
  if (window.attendingKeys) return;
  window.attendingKeys = true;
  const isField = (element) => element.matches?.("input, textarea, [contenteditable=true]");
  const strikeTwice = 350; // milliseconds
  const marks = { y: "✓", p: "◧", o: "✗" };
  let last = { key: "", at: 0 };
  const comment = () => document.querySelector('[class*="st-key-review-"][class*="-comment"] input, '
    + '[class*="st-key-adjudicate-"]:is([class*="-reason"], [class*="-comment"]) input');
  const turns = () => [...document.querySelectorAll(".sheet-question details")];
  const sheet = () => document.querySelector(".sheet-place[data-response]");
  const rows = (kind) => [...document.querySelectorAll(`[class*="st-key-"][class*="-${kind}-"]`)]
    .filter((row) => row.querySelector("button")?.offsetParent);
  const chosen = (row) => row.querySelector("[data-selected]");
  // A row that was just filled does not show it yet when the next key comes.
  const filledAt = new Map();
  const isFilled = (row) => chosen(row) || performance.now() - (filledAt.get(row.className) ?? -1e9) < 700;

  function choose(kind, option) {
    const all = rows(kind), row = all.length === 1 ? all[0] : all.find((one) => !isFilled(one));
    const button = [...(row?.querySelectorAll("button") ?? [])]
      .find((one) => one.textContent.trim() === option);
    if (!button) return;
    filledAt.set(row.className, performance.now());
    button.click();
    row.scrollIntoView({ block: "nearest" });
  }

  function takeBack(kind) {
    const last = rows(kind).filter(chosen).at(-1);
    if (!last) return;
    filledAt.delete(last.className);
    chosen(last).click();
  }

  const isStarting = () => document.querySelector('[data-testid="stMain"] [data-testid="stSkeleton"]');
  // A widget's own listener is a moment late: it may know the response before the one that is seen.
  const button = (key) => [...document.querySelectorAll(`[aria-label="Shortcut ${key}" i]`)]
    .map((sign) => sign.closest("button:enabled")).find((one) => one?.offsetParent);
  const opens = "hmevtnxu";
  let waiting = [];
  // Nobody has read what was put before them a moment ago or is still coming, so nobody answers it.
  const unread = 300; // milliseconds
  let shown = "", shownAt = 0;
  const isUnread = () => !whole() || isAnswering() || performance.now() - shownAt < unread;
  const whole = () => {
    const id = sheet()?.dataset.response, parts = [...document.querySelectorAll("[data-of]")];
    return parts.length > 2 && parts.every((one) => one.dataset.of === id) ? id : "";
  };
  new MutationObserver(() => {
    const now = whole();
    if (now && now !== shown) {
      if (shown === answered) sessionStorage.removeItem(`active-${shown}`);
      [shown, shownAt] = [now, performance.now()];
    }
    lookAhead();
    if (waiting.length && !isStarting() && !isAnswering()) waiting.splice(0).forEach(act);
  }).observe(document, { subtree: true, childList: true });

  // The sheet's own buttons: each press has a number, and the field holds those not answered yet.
  const answers = ["score", "save", "outside_field", "cannot_judge"];
  const write = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
  let presses = [], session = "", number = 0, answered = "";
  function send(pressed) {
    const place = sheet(), field = document.querySelector('[class*="st-key-review-"][class*="-presses"] input');
    const what = pressed.dataset.do;
    if (!place || !field || (answers.includes(what) && isUnread())) return;
    if (["flag", "cannot"].includes(what) && isAnswering()) return;
    if (place.dataset.session !== session) [session, presses] = [place.dataset.session, []];
    presses = presses.filter((one) => one.number > Number(place.dataset.done));
    if (answers.includes(what)) answered = place.dataset.response;
    number = Math.max(Date.now(), number + 1);
    presses.push({ number, do: what, response: Number(place.dataset.response),
                   value: pressed.dataset.value, seconds: active() });
    field.tabIndex = -1;
    write.call(field, JSON.stringify(presses));
    field.dispatchEvent(new Event("input", { bubbles: true }));
    if (answers.includes(what)) {
      [answeredAt, isSure] = [performance.now(), what !== "cannot_judge"]; // which needs a comment
      setTimeout(lookAhead, patience + 1);
      lookAhead();
    }
  }

  // Between an answer and what the server makes of it, the response that comes next is shown already,
  // over the last one; the last one is still what the buttons are for, so none of them acts.
  const patience = 4000; // milliseconds; then what the server last said is shown again
  let answeredAt = -1e9, isSure = false;
  function isAnswering() {
    const place = sheet();
    return Boolean(place) && place.dataset.session === session
      && performance.now() - answeredAt < patience
      && presses.some((one) => answers.includes(one.do) && one.number > Number(place.dataset.done));
  }
  function lookAhead() {
    const ahead = document.querySelector(".sheet-ahead"), boxes = document.querySelector(".sheet-boxes");
    const isComing = Boolean(ahead && boxes) && isAnswering() && isSure
      && ahead.dataset.after === sheet().dataset.response;
    const on = document.body.classList;
    if (isComing === on.contains("is-ahead")) return;
    if (isComing) {
      const at = boxes.getBoundingClientRect();
      for (const side of ["top", "left", "width"]) ahead.style.setProperty(`--ahead-${side}`, `${at[side]}px`);
    }
    on.toggle("is-ahead", isComing);
  }
  document.addEventListener("click", (event) => {
    const pressed = event.target.closest?.("button.press");
    if (pressed) send(pressed);
  });

  // Tells whether the key was for something that is seen.
  function act(key) {
    const field = key === "n" && comment(), found = field || button(key);
    if (field) field.focus();
    else found?.click();
    return found;
  }

  // Tells whether the key was for rows that are filled one after another.
  function fills(event) {
    const hasDimensions = rows("dimension").length > 0;
    if (hasDimensions && /^[0-5]$/.test(event.key)) choose("dimension", event.key);
    else if (hasDimensions && event.key === "Backspace") takeBack("dimension");
    else if (marks[event.key] && rows("mark").length) choose("mark", marks[event.key]);
    else return false;
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (isField(event.target)) {
      if (event.key === "Escape") event.target.blur();
      const save = event.key === "Enter" && event.target.closest('[class*="st-key-work-"]') && button("Enter");
      if (save) {
        event.target.blur(); // which hands over what was typed
        setTimeout(() => save.click(), 50);
      }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = /^[a-z0-9]$/i.test(event.key) && event.key.toLowerCase();
    // Only what answers is guarded; Tab, arrows and pages move as often and as long as they are pressed.
    const answersBy = key || ["Enter", "Backspace"].includes(event.key)
      || (event.key === " " && event.target.matches?.("button"));
    const isSecondStrike = answersBy && event.key === last.key && event.timeStamp - last.at < strikeTwice;
    last = { key: event.key, at: event.timeStamp };
    const stop = () => {
      event.stopImmediatePropagation();
      event.preventDefault();
    };
    if (event.repeat && answersBy) stop();
    else if (event.key === "Escape" && document.querySelector(".keys")) act("h");
    else if (key && (isStarting() || isAnswering())) {
      stop();
      if (opens.includes(key)) waiting.push(key);
    }
    else if (event.key === "Enter" && button("Enter")?.matches(".press") && !event.target.matches?.(".press")) {
      stop(); // on a choice that was clicked it would turn that off; it saves
      button("Enter").click();
    }
    else if (key === "d" && turns().length) {
      stop();
      const open = !turns()[0].open;
      for (const turn of turns()) turn.open = open;
    }
    else if (fills(event)) stop();
    else if (isSecondStrike || (key && act(key))) stop();
  }, true);

  // Active seconds: counted while the tab is seen and somebody moves, types or scrolls now and then.
  const idle = 60000, beat = 500; // milliseconds
  let seen = performance.now(), before = seen;
  const clock = () => `active-${sheet()?.dataset.response}`;
  const active = () => Number(Number(sessionStorage.getItem(clock()) ?? 0).toFixed(1));
  for (const sign of ["keydown", "pointermove", "pointerdown", "wheel", "scroll", "touchstart"])
    addEventListener(sign, () => { seen = performance.now(); }, { capture: true, passive: true });
  setInterval(() => {
    const now = performance.now(), passed = Math.min(now - before, 2 * beat);
    before = now;
    if (!sheet() || document.hidden || now - seen > idle) return;
    sessionStorage.setItem(clock(), String(Number(sessionStorage.getItem(clock()) ?? 0) + passed / 1000));
  }, beat);
})();
