// The story appears as it is written. What a model writes is text here, never markup.

const place = document.getElementById("writing");
const tale = place.querySelector(".tale");
const says = place.querySelector("[role=status]");
const LONGEST_TITLE = 120;
let written = "";

function say(what) {
  if (says.dataset.says === what) return;
  says.dataset.says = what;
  says.textContent = place.querySelector(`template[data-words=${what}]`).content.textContent;
}

// The first line is the title, without the marks that models put around it.
function parts() {
  const lines = written.trimStart().split(/\n+/);
  let title = lines[0].replace(/^[#*_"“\s]+/, "");
  if (lines.length > 1 || title.length > LONGEST_TITLE) title = title.replace(/[*_"”\s]+$/, "");
  if (title.length > LONGEST_TITLE) return ["", lines];
  return [title, lines.slice(1)];
}

function put(index, name, text) {
  let node = tale.children[index];
  if (!node) node = tale.appendChild(document.createElement(name));
  else if (node.localName !== name) {
    const other = document.createElement(name);
    node.replaceWith(other);
    node = other;
  }
  if (node.textContent !== text) node.textContent = text;
}

function show() {
  const [title, paragraphs] = parts();
  put(0, title ? "h1" : "p", title);
  const shown = paragraphs.filter((text) => text.trim());
  shown.forEach((text, index) => put(index + 1, "p", text));
  while (tale.children.length > shown.length + 1) tale.lastElementChild.remove();
}

const events = new EventSource(place.dataset.events);
events.addEventListener("text", (event) => {
  written += JSON.parse(event.data).text;
  show();
  say("telling");
});
events.addEventListener("again", () => {
  written = "";
  tale.replaceChildren();
  say("again");
});
events.addEventListener("open", () => {
  if (says.dataset.says === "lost") say(written ? "telling" : "wait");
});
events.addEventListener("end", (event) => {
  events.close();
  const story = JSON.parse(event.data).story;
  if (!story) {
    location.replace(place.dataset.self);
    return;
  }
  say("done");
  document.body.classList.add("is-done");
  document.title = `${tale.querySelector("h1")?.textContent ?? ""} · Tales`;
  place.querySelector("[data-cancel]").hidden = true;
  const open = place.querySelector("[data-open]");
  open.querySelector("a").href = `/stories/${story}`;
  open.hidden = false;
  // Loaded anew, or come back to, it is the story as it is kept.
  history.replaceState(null, "", `/stories/${story}`);
});
events.addEventListener("error", () => {
  say("lost");
  // A browser gives up on an answer that is no stream; the page itself then says what has become of it.
  if (events.readyState === EventSource.CLOSED) setTimeout(() => location.replace(place.dataset.self), 5000);
});
