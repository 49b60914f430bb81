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

// A theme and a size are there at once, and remembered beside it.
for (const form of document.querySelectorAll("form[data-look]")) {
  form.addEventListener("submit", (event) => {
    const chosen = event.submitter;
    if (!chosen) return;
    event.preventDefault();
    delete form.dataset.sent;
    const body = new URLSearchParams(new FormData(form));
    const root = document.documentElement;
    let value = chosen.value;
    if (chosen.name === "size") {
      value = String(Math.min(5, Math.max(1, Number(root.dataset.size) + (chosen.dataset.step | 0))));
      root.dataset.size = value;
    } else {
      root.dataset.theme = value;
      for (const button of form.elements) if (button.name === "theme") button.ariaPressed = String(button === chosen);
    }
    body.set(chosen.name, value);
    fetch(form.action, { method: "POST", body, redirect: "manual", keepalive: true });
  });
}

// The way to this page is seen in a row that is wider than the screen; some browsers see to it by the style sheet alone.
const way = document.querySelector(".ways [aria-current]");
if (way) way.parentElement.scrollLeft = way.offsetLeft - (way.parentElement.clientWidth - way.offsetWidth) / 2;

for (const button of document.querySelectorAll("button[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
