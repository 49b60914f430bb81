// The list looks again every few seconds, as long as somebody may be looking at it.

const SECONDS = 4;
const button = document.querySelector("[data-live]");

function say() {
  button.textContent = button.ariaPressed === "true" ? button.dataset.on : button.dataset.off;
}

// The page itself, read as a document: nothing in it runs, and no text becomes markup here.
function fetchPage() {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", location.href);
    request.setRequestHeader("Accept", "text/html");
    request.responseType = "document";
    request.onload = () => (request.status === 200 ? resolve(request.responseXML) : reject(request.status));
    request.onerror = reject;
    request.send();
  });
}

async function look() {
  const place = document.getElementById("live");
  const isBusy = document.hidden || place.contains(document.activeElement) || button.ariaPressed !== "true";
  if (!isBusy) {
    const found = await fetchPage().then((page) => page?.getElementById("live"), () => null);
    if (found && found.innerHTML !== place.innerHTML) {
      const across = place.firstElementChild?.scrollLeft ?? 0;
      place.replaceWith(document.adoptNode(found));
      if (found.firstElementChild) found.firstElementChild.scrollLeft = across;
    }
  }
  setTimeout(look, SECONDS * 1000);
}

if (button) {
  button.hidden = false;
  say();
  button.addEventListener("click", () => {
    button.ariaPressed = String(button.ariaPressed !== "true");
    say();
  });
  setTimeout(look, SECONDS * 1000);
}
