// What every page does a little better with scripts: none of it is needed.

// A form that was sent once is not sent twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent && !form.hasAttribute("data-again")) event.preventDefault();
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// A theme and a size are there at once, and remembered beside it. Each request says both, and ends the one before: of two
// that are on their way, the cookie of the last to be answered stays.
let remembering;
for (const form of document.querySelectorAll("form[data-look]")) {
  form.addEventListener("submit", (event) => {
    const chosen = event.submitter;
    if (!chosen) return;
    event.preventDefault();
    delete form.dataset.sent;
    const body = new URLSearchParams(new FormData(form));
    const root = document.documentElement;
    if (chosen.name === "size") {
      root.dataset.size = String(Math.min(5, Math.max(1, Number(root.dataset.size) + (chosen.dataset.step | 0))));
    } else {
      root.dataset.theme = chosen.value;
      for (const button of form.elements) if (button.name === "theme") button.ariaPressed = String(button === chosen);
    }
    for (const name of ["theme", "size"]) if (name in root.dataset) body.set(name, root.dataset[name]);
    remembering?.abort();
    remembering = new AbortController();
    const { signal } = remembering;
    fetch(form.action, { method: "POST", body, redirect: "manual", keepalive: true, signal }).catch(() => {});
  });
}

// The way to this page is seen in a row that is wider than the screen; some browsers see to it by the style sheet alone.
const way = document.querySelector(".ways [aria-current]");
if (way) way.parentElement.scrollLeft = way.offsetLeft - (way.parentElement.clientWidth - way.offsetWidth) / 2;

for (const button of document.querySelectorAll("button[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
