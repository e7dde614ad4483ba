// What makes pages more comfortable. Every page works without it.

const day = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const thisYear = new Intl.DateTimeFormat(undefined, day);
const otherYear = new Intl.DateTimeFormat(undefined, { ...day, year: "numeric" });
const units = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];
const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });

/** Show times as the reader's clock has them; what the server wrote, UTC, stays as the title. */
function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.textContent = "ago" in time.dataset ? far(at, -1) : "ahead" in time.dataset ? far(at, 1) : clock(at);
  }
}

function clock(at) {
  return (at.getFullYear() === new Date().getFullYear() ? thisYear : otherYear).format(at);
}

/** Say how far away a time is. side: -1 for past times, 1 for future ones, whatever two clocks make of it. */
function far(at, side) {
  const seconds = side * Math.max(0, Math.round((side * (at - Date.now())) / 1000));
  const [size, unit] = units.find(([one]) => Math.abs(seconds) >= one) ?? units[3];
  return relative.format(Math.trunc(seconds / size), unit);
}

/** Copy buttons are there only where copying works. */
function offerCopies(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
}

async function copy(button) {
  const words = button.querySelector(".unseen");
  const before = words.textContent;
  await navigator.clipboard.writeText(button.parentElement.querySelector("pre").textContent);
  button.classList.add("done");
  words.textContent = "Copied";
  setTimeout(() => { button.classList.remove("done"); words.textContent = before; }, 1500);
}

/** Fetch this page anew and exchange its live regions, while it is seen, but for those in which somebody is at work. */
async function renew(ids, wait) {
  let next = wait;
  const free = () => ids.map((id) => document.getElementById(id)).filter((region) => region && !isBusy(region));
  if (!document.hidden && free().length) {
    try {
      const answer = await fetch(location.href, { headers: { "X-Console-Live": "1" }, redirect: "manual" });
      if (answer.type === "opaqueredirect") return location.reload(); // the session has ended
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!ids.some((id) => page.getElementById(id))) return;
      for (const region of free()) exchange(region, page.getElementById(region.id));
    } catch {
      next = wait * 4; // the server is away or busy: ask less often
    }
  }
  setTimeout(renew, next, ids, wait);
}

/** Whether a region has the focus or an open menu. Acts are exchanged all the same: a stale one would only be refused. */
function isBusy(region) {
  return region.querySelector("[data-menu][open]") || (!region.matches(".actions") && region.contains(document.activeElement));
}

/** Show a region as the server has it now; the focus stays with the control that it was on, or else at its place. */
function exchange(region, fresh) {
  if (!fresh) return;
  dress(fresh);
  if (fresh.innerHTML === region.innerHTML) return;
  const held = region.contains(document.activeElement) ? document.activeElement : null;
  region.replaceWith(document.adoptNode(fresh));
  if (!held) return;
  const same = [...fresh.querySelectorAll(held.localName)].find((one) => one.textContent === held.textContent);
  (same ?? fresh).focus({ preventScroll: true });
}

/** Make what the server sent into what this script shows. */
function dress(root) {
  localise(root);
  offerCopies(root);
}

function closeMenus(but) {
  for (const open of document.querySelectorAll("details[data-menu][open]")) {
    if (!open.contains(but)) open.open = false;
  }
}

document.addEventListener("click", (event) => {
  closeMenus(event.target);
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});

document.addEventListener("submit", (event) => {
  const asked = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (asked && !confirm(asked)) event.preventDefault();
});

// Esc closes a menu and gives its button the focus back; / goes to the search; g and a letter go to a page.
let going = 0;
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const open = document.activeElement.closest("details[data-menu][open]");
    closeMenus(null);
    open?.querySelector("summary").focus();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
  if (event.key === "/") {
    const search = document.querySelector("[type=search]");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  } else if (event.key === "g") {
    going = Date.now();
  } else if (Date.now() - going < 1500) {
    going = 0;
    document.querySelector(`.side a[data-key="${CSS.escape(event.key)}"]`)?.click();
  }
});

dress(document);
document.querySelector("[data-focus]")?.focus();
const waits = {};
for (const region of document.querySelectorAll("[data-live][id]")) (waits[region.dataset.live] ??= []).push(region.id);
for (const [seconds, ids] of Object.entries(waits)) {
  const wait = Math.max(1, Number(seconds)) * 1000;
  setTimeout(renew, wait, ids, wait);
}

/** The words of a name or of what was typed. The server has the same rule: domain/type_search.py. */
function wordsOf(text) {
  return text.toLowerCase().split(/[\s._-]+/).filter(Boolean);
}

/** What a search for an event type may find a text by. */
function findable(text) {
  const words = wordsOf(text);
  for (const [, way] of words.join(" ").matchAll(/\bsigns? (in|out)\b/g)) words.push(`log${way}`, `sign${way}`);
  return words;
}

/** Whether a word that was typed is meant by another: as its beginning, as a part, or but for its ending. */
function isFound(word, one) {
  if (one.startsWith(word) || (word.length > 2 && one.includes(word))) return true;
  const stem = one.endsWith("e") ? one.slice(0, -1) : one;
  return stem.length >= 4 && word.startsWith(stem) && /^(s|d|es|ed|ing|ions?)$/.test(word.slice(stem.length));
}

/** Narrow a list of event types while it is searched, and show what is chosen as chips. */
function dressPicker(picker) {
  const find = picker.querySelector("[data-find]");
  const chips = picker.querySelector("[data-chips]");
  const count = picker.querySelector("[data-count]"), none = picker.querySelector("[data-none]");
  const groups = [...picker.querySelectorAll("[data-group]")].map((group) => ({
    group, tally: group.querySelector("[data-tally]"),
    rows: [...group.querySelectorAll(".pick")].map((row) => ({
      row, box: row.querySelector("input"), words: findable(`${row.textContent} ${group.dataset.group}`),
    })),
  }));
  const boxes = groups.flatMap(({ rows }) => rows).filter(({ box }) => box).map(({ box }) => box);
  picker.querySelector("[data-found]").hidden = true;

  function narrow() {
    const sought = wordsOf(find.value);
    let found = 0;
    for (const { group, rows } of groups) {
      let seen = 0;
      for (const { row, box, words } of rows) {
        row.hidden = !sought.every((word) => words.some((one) => isFound(word, one)));
        seen += !row.hidden;
        found += !row.hidden && Boolean(box);
      }
      group.hidden = !seen;
      if (sought.length) group.open = seen > 0 && seen <= 100;
    }
    none.hidden = found > 0;
    tell(found, sought.length);
  }

  function tell(found, sought) {
    const chosen = boxes.filter((box) => box.checked);
    count.textContent = `${chosen.length} chosen · ${found} ${found === 1 ? "type" : "types"} ${sought ? "found" : "to choose from"}`;
    for (const { tally, rows } of groups) {
      const ticked = rows.filter(({ box }) => box?.checked).length;
      tally.textContent = (ticked ? `${ticked} of ` : "") + rows.length;
    }
    chips.replaceChildren(...chosen.map(chip));
    picker.dispatchEvent(new CustomEvent("chosen", { bubbles: true, detail: chosen.map((box) => box.value) }));
  }

  function chip(box) {
    const item = document.createElement("li"), name = document.createElement("code"), off = document.createElement("button");
    item.className = "chip";
    name.textContent = box.value;
    off.type = "button";
    off.textContent = "×";
    off.ariaLabel = `Remove ${box.value}`;
    off.addEventListener("click", () => { box.checked = false; narrow(); find.focus(); });
    item.append(name, off);
    return item;
  }

  find.addEventListener("input", narrow);
  find.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  picker.addEventListener("change", narrow);
  find.form.addEventListener("submit", () => { find.value = ""; }); // or the server would leave the others out
  narrow();
}

/** Rows of a form that are added and removed without asking the server. */
function dressRows(group) {
  const rows = group.querySelector("[data-rows]"), blank = group.querySelector("[data-blank]");
  const select = group.querySelector("[name=filter_add]"), acts = group.querySelector("[data-when-rows]");
  let made = 0;
  group.addEventListener("click", (event) => {
    const button = event.target.closest("[data-add], [data-remove]");
    if (!button) return;
    event.preventDefault();
    if ("remove" in button.dataset) {
      button.closest("[data-row]").remove();
      group.querySelector("[data-add]").focus();
    } else if (!select || !select.disabled) {
      const row = blank.content.firstElementChild.cloneNode(true), field = row.querySelector("input:not([type=hidden]), textarea");
      field.id = `added-${group.id}-${made++}`;
      if (select) {
        row.dataset.event = row.querySelector("[name=filter_event]").value = row.querySelector("code").textContent = select.value;
        row.querySelector("label").htmlFor = field.id;
      }
      rows.append(row);
      field.focus();
    }
    refresh();
  });
  let chosen = select ? [...select.options].filter(() => !select.disabled).map((one) => one.value) : [];
  function refresh() {
    if (!select) return;
    const taken = new Set([...rows.children].map((row) => row.dataset.event));
    const free = chosen.filter((name) => !taken.has(name));
    select.replaceChildren(...(free.length ? free : ["Choose event types first"]).map((name) => new Option(name)));
    select.disabled = !free.length;
    acts.hidden = !rows.children.length;
  }
  document.addEventListener("chosen", (event) => { chosen = event.detail; refresh(); });
  group.addEventListener("input", (event) => { if ("check" in event.target.dataset) check(event.target, group.dataset.checkPath); });
}

/** Ask the server, when somebody has stopped typing, whether an expression reads well. */
function check(area, path) {
  clearTimeout(area.waiting);
  area.waiting = setTimeout(async () => {
    const asked = area.value;
    const answer = await fetch(path, { method: "POST", body: new URLSearchParams({ csrf: area.form.elements.csrf.value, expression: asked }) });
    if (!answer.ok || area.value !== asked) return;
    const { problem } = await answer.json(), row = area.closest("[data-row]"), verdict = row.querySelector("[data-verdict]");
    row.querySelector(".problem")?.remove();
    row.classList.toggle("field-wrong", Boolean(problem));
    verdict.className = problem ? "fine bad" : "fine good";
    verdict.textContent = problem ?? "Reads well.";
  }, 350);
}

for (const group of document.querySelectorAll("#headers, [data-filters]")) if (group.querySelector("[data-blank]")) dressRows(group);
for (const picker of document.querySelectorAll("[data-picker]")) dressPicker(picker);

// What only a few pages need has a file of its own.
for (const one of document.querySelectorAll("[data-module]")) import(one.dataset.module).then(({ begin }) => begin(one, dress));
