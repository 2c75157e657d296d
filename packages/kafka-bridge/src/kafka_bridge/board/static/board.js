// Keeps the board current: the server renders, this swaps the result in. Without it the page still works.
"use strict";
const PACE = 5000;
async function refresh() {
  const live = document.getElementById("live");
  try {
    const response = await fetch(location.pathname, { cache: "no-store" });
    const next = new DOMParser().parseFromString(await response.text(), "text/html");
    document.title = next.title;
    document.getElementById("board").replaceWith(next.getElementById("board"));
  } catch (error) {
    live.textContent = "bridge away";
    live.classList.add("stale");
  }
}
if (document.getElementById("live")) setInterval(refresh, PACE);
