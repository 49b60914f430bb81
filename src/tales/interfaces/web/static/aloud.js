// Reads the story aloud with the browser's own voice, sentence by sentence; the present one is marked.

const tale = document.querySelector(".tale");
const button = document.querySelector("[data-aloud]");
const silence = document.querySelector("[data-silence]");
const voice = window.speechSynthesis;
const still = matchMedia("(prefers-reduced-motion: reduce)");
let sentences = null;
let at = 0;
let turn = 0;

// Each sentence in a piece of its own, in the story's own language.
function divide() {
  const found = [];
  const split = new Intl.Segmenter(tale.lang || "en", { granularity: "sentence" });
  for (const block of tale.querySelectorAll("h1, p:not(.meta, .tale-end)")) {
    const pieces = [...split.segment(block.textContent)].map(({ segment }) => {
      const piece = document.createElement("span");
      piece.className = "sentence";
      piece.textContent = segment;
      if (segment.trim()) found.push(piece);
      return piece;
    });
    block.replaceChildren(...pieces);
  }
  return found;
}

function mark(sentence) {
  tale.querySelector(".now")?.classList.remove("now");
  if (!sentence) return;
  sentence.classList.add("now");
  const { top, bottom } = sentence.getBoundingClientRect();
  if (top < 80 || bottom > innerHeight - 120) sentence.scrollIntoView({ block: "center", behavior: still.matches ? "auto" : "smooth" });
}

function show(isReading) {
  button.ariaPressed = String(isReading);
  button.textContent = isReading ? button.dataset.pause : button.dataset.read;
  silence.hidden = !isReading && at === 0;
}

function speak(mine) {
  if (mine !== turn) return;
  const sentence = sentences[at];
  if (!sentence) return stop();
  mark(sentence);
  const words = new SpeechSynthesisUtterance(sentence.textContent);
  words.lang = tale.lang || "en";
  words.rate = 0.9;
  const next = () => {
    if (mine !== turn) return;
    at += 1;
    speak(mine);
  };
  words.addEventListener("end", next);
  words.addEventListener("error", (event) => {
    if (!["canceled", "interrupted"].includes(event.error) && mine === turn) stop();
  });
  voice.speak(words);
}

function pause() {
  turn += 1;
  voice.cancel();
  show(false);
}

function stop() {
  at = 0;
  pause();
  mark(null);
}

if (voice && window.SpeechSynthesisUtterance && Intl.Segmenter) {
  button.hidden = false;
  button.addEventListener("click", () => {
    sentences ??= divide();
    if (button.ariaPressed === "true") return pause();
    turn += 1;
    show(true);
    speak(turn);
  });
  silence.addEventListener("click", stop);
  // A voice that goes on when its page has gone would wake the child.
  addEventListener("pagehide", () => voice.cancel());
}
