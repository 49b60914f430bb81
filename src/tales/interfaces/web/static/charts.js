// Draws each table that has a place for it. What is drawn are the figures that stand in the table.

// A strict policy takes styles through the object model alone. D3 writes some as an attribute, and Plotly brings a sheet
// for its maps, which are not used here; its own rules stand in our sheet.
const write = Element.prototype.setAttribute;
Element.prototype.setAttribute = function (name, value) {
  if (name === "style") this.style.cssText = value;
  else write.call(this, name, value);
};
const create = document.createElement;
document.createElement = function (name, options) {
  return create.call(this, String(name).toLowerCase() === "style" ? "template" : name, options);
};

const PATTERNS = { share: ",.1~f", seconds: ",.1~f", dollars: ",.4~f", count: ",.2~f", number: ",.2~f" };
const COLORS = 6;
const DAY_WIDTH = 110;
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Plotly reads a little markup in texts.
const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function shortened(text, most) {
  const half = Math.floor((most - 1) / 2);
  return plain(text.length > most ? `${text.slice(0, half)}…${text.slice(-half)}` : text);
}

const numbers = (cell) => (cell.dataset.value === "" ? [] : cell.dataset.value.split(" ").map(Number));
const places = (listed) => (listed === undefined ? [] : listed.split(",").map(Number));

function seriesOf(place, table) {
  const rows = [...table.tBodies[0].rows];
  const heads = [...table.tHead.rows[0].cells];
  const x = places(place.dataset.x);
  const [by] = places(place.dataset.by);
  const [ends] = places(place.dataset.ends);
  const groups = new Map();
  const ticks = new Map();
  const isDay = heads[x[0]].dataset.kind === "day";
  const figures = (cell, kind) => numbers(cell).map((value) => (kind === "share" ? 100 * value : value));
  for (const row of rows) {
    const words = x.map((column) => row.cells[column].textContent.trim()).filter((word) => word && word !== "–");
    const at = isDay ? row.cells[x[0]].dataset.value : plain(words.join(" · "));
    ticks.set(at, words.map((word) => shortened(word, x.length > 1 ? 28 : 18)).join("<br>"));
    const marks = places(place.dataset.marks);
    for (const y of [...places(place.dataset.y), ...marks]) {
      const isMark = marks.includes(y);
      const name = by === undefined || isMark ? heads[y].textContent : row.cells[by].textContent;
      const { kind } = heads[y].dataset;
      const one = groups.get(name) ?? { x: [], y: [], said: [], above: [], below: [], kind, isMark };
      const [value = null] = figures(row.cells[y], kind);
      const [low = value, high = value] = ends === undefined ? [] : figures(row.cells[ends], kind);
      one.x.push(at);
      one.y.push(value);
      one.said.push(`${plain(words.join(" · "))}<br>${plain(row.cells[y].textContent)}`);
      one.above.push(high - value);
      one.below.push(value - low);
      groups.set(name, one);
    }
  }
  const isKnown = ([, one]) => !one.isMark || one.y.some((value) => value !== null);
  return [[...groups].filter(isKnown), isDay, ticks];
}

function traceOf(place, one, index) {
  const color = style(`--series-${(index % COLORS) + 1}`);
  // What would have the color of another one is striped.
  const pattern = index < COLORS ? {} : { shape: "/", bgcolor: color, fgcolor: style("--paper") };
  const ink = style("--ink");
  if (one.isMark) {
    return { type: "scatter", mode: "markers", marker: { symbol: "line-ew", size: 44, line: { color, width: 3 } } };
  }
  const ends = { type: "data", symmetric: false, array: one.above, arrayminus: one.below, color: ink, thickness: 1.5 };
  const isBar = place.dataset.plot !== "points";
  return {
    ...(isBar ? { type: "bar" } : { type: "scatter", mode: "markers" }),
    marker: isBar ? { color, pattern } : { color, size: 11 },
    ...(place.dataset.ends === undefined ? {} : { error_y: ends }),
  };
}

// As many days as there is room for, the newest among them, written as in the table.
function daysOf(place, ticks) {
  const days = [...ticks.keys()].sort().reverse();
  const step = Math.ceil((days.length * DAY_WIDTH) / Math.max(place.clientWidth, DAY_WIDTH));
  return new Map(days.filter((day, index) => index % step === 0).map((day) => [day, ticks.get(day)]));
}

function draw(place) {
  const [series, isDay, ticks] = seriesOf(place, document.getElementById(place.dataset.table));
  const ink = style("--ink");
  const pattern = PATTERNS[series[0][1].kind] ?? "";
  const data = series.map(([name, one], index) => ({
    ...traceOf(place, one, index),
    name: shortened(name, place.dataset.by === undefined ? 40 : 20),
    x: one.x,
    y: one.y,
    customdata: one.said,
    hovertemplate: `%{customdata}<extra>${shortened(name, 40)}</extra>`,
  }));
  const axis = { gridcolor: style("--line"), linecolor: style("--edge"), zerolinecolor: style("--edge"), fixedrange: true };
  const layout = {
    barmode: place.dataset.plot === "stack" ? "stack" : "group",
    bargap: 0.3,
    separators: place.dataset.separators,
    margin: { l: 56, r: 8, t: 8, b: 40 },
    font: { family: style("--sans"), size: 13, color: ink },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    hoverlabel: { bgcolor: style("--surface"), bordercolor: style("--edge"), font: { color: ink } },
    showlegend: series.length > 1,
    legend: { orientation: "h", y: 1, yanchor: "bottom", x: 0 },
    xaxis: { ...axis, type: isDay ? "date" : "category", automargin: true, showgrid: false },
    yaxis: { ...axis, tickformat: pattern, automargin: true, rangemode: "tozero" },
  };
  // What stands around a figure in the table stands around it here.
  Object.assign(layout.yaxis, { tickprefix: place.dataset.before, ticksuffix: place.dataset.behind });
  const shown = isDay ? daysOf(place, ticks) : ticks;
  Object.assign(layout.xaxis, { tickmode: "array", tickvals: [...shown.keys()], ticktext: [...shown.values()] });
  const calm = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false };
  return window.Plotly.newPlot(place, data, layout, calm);
}

function drawAll() {
  // The tables are there without it.
  if (!window.Plotly) return;
  for (const place of document.querySelectorAll("[data-plot]")) {
    draw(place).then(() => place.classList.add("is-drawn"));
  }
}

// Plotly's own script stands behind this one.
document.addEventListener("DOMContentLoaded", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
