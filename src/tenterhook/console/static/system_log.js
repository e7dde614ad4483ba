// What makes the System Log more comfortable: its live tail, and what may come next in its box.

/** Begin with one element of a page; dress: makes what the server sent into what scripts show. */
export function begin(one, dress) {
  if (one.dataset.tail) return follow(one, dress);
  complete(one);
  document.addEventListener("toggle", (event) => {
    const place = event.target.open && event.target.querySelector("[data-whole]");
    if (place) unfold(place, dress);
  }, true);
}

/** Put what the page of an event shows where the link to it stands. */
async function unfold(place, dress) {
  place.removeAttribute("data-whole");
  const answer = await fetch(place.querySelector("a").href, { redirect: "error" }).catch(() => null);
  const page = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
  const whole = page && page.querySelector(".log-whole");
  if (!whole) return; // the link is still there
  dress(whole);
  place.replaceWith(document.adoptNode(whole));
}

/** Rows that come by themselves, the newest on top. They wait while somebody reads: points at them, opens one, scrolls. */
function follow(list, dress) {
  const head = document.querySelector(".tail-head"), count = head.querySelector("[data-tail-count]");
  const kept = Number(list.dataset.kept), address = new URL(list.dataset.tail, location.href);
  let waiting = [], skipped = 0, source;
  const say = (text, kind) => {
    head.classList.remove("tail-waits", "tail-ended");
    if (kind) head.classList.add(kind);
    const words = head.querySelector("[data-tail-state]");
    if (words.textContent !== text) words.textContent = text;
  };
  const isRead = () => list.matches(":hover, :focus-within") || list.querySelector("details[open]")
    || list.getBoundingClientRect().top < 0;
  const show = () => {
    const reading = isRead();
    if (!reading && waiting.length) {
      list.prepend(...waiting.filter((row) => !document.getElementById(row.id)));
      while (list.children.length > kept) list.lastElementChild.remove();
      document.querySelector(".tail-empty")?.remove();
      waiting = [];
    }
    if (source.readyState === EventSource.CLOSED) return;
    if (reading) say("Live, and waiting while you read", "tail-waits");
    else say("Live: the newest events on top");
    const parts = [waiting.length ? `${waiting.length} new` : "", skipped ? `${skipped.toLocaleString()} not shown: too fast to read` : ""];
    count.textContent = parts.filter(Boolean).join(" · ");
  };
  const open = () => {
    source = new EventSource(address);
    source.onmessage = (message) => {
      address.searchParams.set("after", message.lastEventId);
      const news = JSON.parse(message.data);
      const fresh = document.createElement("template");
      fresh.innerHTML = news.rows;
      dress(fresh.content);
      waiting = [...fresh.content.children, ...waiting];
      skipped += news.skipped + Math.max(0, waiting.length - kept);
      waiting.length = Math.min(waiting.length, kept);
      show();
    };
    source.addEventListener("problem", (message) => { source.close(); say(JSON.parse(message.data), "tail-ended"); });
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) say("The live tail has ended. Load this page again to go on.", "tail-ended");
      else say("The connection was lost; it is tried again", "tail-waits");
    };
    source.onopen = show;
  };
  open();
  setInterval(show, 500);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) source.close();
    else if (source.readyState === EventSource.CLOSED && !head.classList.contains("tail-ended")) open();
  });
}

/** What may come next where somebody types, as a list below: arrows choose, Enter or Tab takes, Escape closes. */
function complete(input) {
  const list = document.createElement("ul");
  let begin = 0, at = -1, asked = 0;
  list.id = `${input.id}-options`;
  list.className = "options";
  list.hidden = true;
  for (const [name, value] of [["role", "listbox"], ["aria-label", "What may come next"]]) list.setAttribute(name, value);
  input.removeAttribute("list");
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", list.id]]) input.setAttribute(name, value);
  input.parentElement.append(list);
  const close = () => { asked++; list.hidden = true; at = -1; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); };
  const choose = (next) => {
    list.children[at]?.setAttribute("aria-selected", "false");
    at = (next + list.children.length) % list.children.length;
    list.children[at].setAttribute("aria-selected", "true");
    input.setAttribute("aria-activedescendant", list.children[at].id);
  };
  const take = (option) => {
    input.setRangeText(option.dataset.text, begin, input.selectionStart, "end");
    ask();
  };
  const ask = async () => {
    const mine = ++asked;
    await new Promise((go) => setTimeout(go, 120));
    if (mine !== asked) return;
    const query = new URLSearchParams({ text: input.value, caret: input.selectionStart });
    const answer = await fetch(`${input.dataset.complete}?${query}`, { redirect: "error" }).catch(() => null);
    if (mine !== asked || !answer?.ok || document.activeElement !== input) return;
    const found = await answer.json();
    if (mine !== asked) return;
    begin = found.begin;
    list.replaceChildren(...found.options.map(([text, note], index) => {
      const option = document.createElement("li"), more = document.createElement("span");
      for (const [name, value] of [["role", "option"], ["id", `${list.id}-${index}`], ["aria-selected", "false"]]) option.setAttribute(name, value);
      option.dataset.text = text;
      more.textContent = note;
      option.append(text.trim(), more);
      return option;
    }));
    close();
    list.hidden = !found.options.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
  };
  input.addEventListener("input", ask);
  input.addEventListener("blur", close);
  list.addEventListener("mousedown", (event) => {
    event.preventDefault(); // the box keeps the focus
    const option = event.target.closest("li");
    if (option) take(option);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && list.hidden) { ask(); event.preventDefault(); return; }
    if (list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") choose(event.key === "ArrowDown" ? at + 1 : at < 0 ? -1 : at - 1);
    else if (event.key === "Escape") close();
    else if ((event.key === "Enter" || event.key === "Tab") && at >= 0) take(list.children[at]);
    else return;
    event.preventDefault();
  });
}
