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
    time.textContent = "ago" in time.dataset ? ago(at) : clock(at);
  }
}

function clock(at) {
  return (at.getFullYear() === new Date().getFullYear() ? thisYear : otherYear).format(at);
}

function ago(at) {
  const seconds = Math.min(0, Math.round((at - Date.now()) / 1000));
  const [size, unit] = units.find(([one]) => -seconds >= one) ?? units[3];
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

/** Fetch this page anew and exchange one region, while it is seen and nobody is at work in it. */
async function renew(id, wait) {
  const region = document.getElementById(id);
  if (!region) return;
  let next = wait;
  if (!document.hidden && !region.contains(document.activeElement)) {
    try {
      const answer = await fetch(location.href, { headers: { "X-Console-Live": "1" }, redirect: "manual" });
      if (answer.type === "opaqueredirect") return location.reload(); // the session has ended
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(id);
      if (!fresh) return;
      dress(fresh);
      if (fresh.innerHTML !== region.innerHTML) region.replaceWith(document.adoptNode(fresh));
    } catch {
      next = wait * 4; // the server is away or busy: ask less often
    }
  }
  setTimeout(renew, next, id, wait);
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
for (const region of document.querySelectorAll("[data-live][id]")) {
  const wait = Math.max(1, Number(region.dataset.live)) * 1000;
  setTimeout(renew, wait, region.id, wait);
}
