// The story appears as it is written. What a model writes is text here, never markup.

const place = document.getElementById("writing");
const tale = place.querySelector(".tale");
const says = place.querySelector("[role=status]");
const heading = tale.querySelector("h1");
const untold = heading.textContent;
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

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function show() {
  const [title, paragraphs] = parts();
  put(heading, title || untold);
  heading.classList.toggle("untold", !title);
  const shown = paragraphs.filter((text) => text.trim());
  while (tale.children.length > shown.length + 1) tale.lastElementChild.remove();
  while (tale.children.length < shown.length + 1) tale.append(document.createElement("p"));
  shown.forEach((text, index) => put(tale.children[index + 1], text));
}

const events = new EventSource(place.dataset.events);
events.addEventListener("text", (event) => {
  written += JSON.parse(event.data).text;
  show();
  say("telling");
});
events.addEventListener("again", () => {
  written = "";
  show();
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
  document.title = `${heading.textContent} · Tales`;
  place.querySelector("[data-cancel]").hidden = true;
  for (const open of place.querySelectorAll("[data-open]")) {
    const link = open.querySelector("a");
    link.href = `/stories/${story}${link.dataset.part ?? ""}`;
    open.hidden = false;
  }
  // Loaded anew, or come back to, it is the story as it is kept.
  history.replaceState(null, "", `/stories/${story}`);
});
events.addEventListener("error", () => {
  say("lost");
  // A browser gives up on an answer that is no stream; the page itself then says what has become of it.
  if (events.readyState === EventSource.CLOSED) setTimeout(() => location.replace(place.dataset.self), 5000);
});
