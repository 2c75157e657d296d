// Keeps a page current: the server renders, this changes what has changed. Without it the page still works.
// Nodes stay the ones they were, so focus, selection, scrolled tables and what is being typed stay, too.
"use strict";
const pace = Number(document.body.dataset.pace) * 1000;
let asked = false;

function settle(old, next) {
  if (old.isEqualNode(next)) return;
  if (old.nodeType !== Node.ELEMENT_NODE || old.nodeName !== next.nodeName || old.id !== next.id) {
    old.replaceWith(document.importNode(next, true));
    return;
  }
  for (const { name } of [...old.attributes]) if (!next.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  if (old.hasAttribute("data-keep")) return;
  const named = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  let here = old.firstChild;
  for (const wanted of [...next.childNodes]) {
    const same = wanted.id ? named.get(wanted.id) : here && !here.id ? here : null;
    if (!same) {
      old.insertBefore(document.importNode(wanted, true), here);
      continue;
    }
    if (same === here) here = here.nextSibling;
    else old.insertBefore(same, here);
    settle(same, wanted);
  }
  while (here) {
    const gone = here;
    here = here.nextSibling;
    gone.remove();
  }
}

async function refresh() {
  if (asked || document.hidden) return;
  asked = true;
  const live = document.getElementById("live");
  try {
    const response = await fetch(location.href, { cache: "no-store", redirect: "error" });
    if (response.status === 503) throw new Error("the store is away");
    const next = new DOMParser().parseFromString(await response.text(), "text/html");
    if ("away" in document.body.dataset || !next.getElementById("clock")) location.reload();
    document.title = next.title;
    for (const part of document.querySelectorAll("[data-live]")) {
      const found = next.getElementById(part.id);
      if (found) settle(part, found);
    }
    document.querySelector(".top").className = next.querySelector(".top").className;
    if (live.textContent !== "live") live.textContent = "live";
    live.classList.remove("stale");
  } catch {
    const text = "away" in document.body.dataset ? "trying again" : "not current";
    if (live.textContent !== text) live.textContent = text;
    live.classList.add("stale");
  } finally {
    asked = false;
  }
}

if (pace > 0) {
  setInterval(refresh, pace);
  document.addEventListener("visibilitychange", refresh);
}
