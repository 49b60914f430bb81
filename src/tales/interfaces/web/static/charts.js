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

const PATTERNS = { share: ",.1~%", seconds: ",.1~f", dollars: "$,.4~f", count: ",.2~f", number: ",.2~f" };
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Plotly reads a little markup in texts.
const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function shortened(text, most) {
  const half = Math.floor((most - 1) / 2);
  return plain(text.length > most ? `${text.slice(0, half)}…${text.slice(-half)}` : text);
}

function seriesOf(place, table) {
  const rows = [...table.tBodies[0].rows];
  const heads = [...table.tHead.rows[0].cells];
  const x = Number(place.dataset.x);
  const groups = new Map();
  const isDay = heads[x].dataset.kind === "day";
  for (const row of rows) {
    for (const y of place.dataset.y.split(",").map(Number)) {
      const name = place.dataset.by === undefined ? heads[y].textContent : row.cells[place.dataset.by].textContent;
      const one = groups.get(name) ?? { x: [], y: [], kind: heads[y].dataset.kind };
      const value = row.cells[y].dataset.value;
      one.x.push(isDay ? row.cells[x].dataset.value : shortened(row.cells[x].textContent.trim(), 18));
      one.y.push(value === "" ? null : Number(value));
      groups.set(name, one);
    }
  }
  return [[...groups], isDay];
}

function draw(place) {
  const [series, isDay] = seriesOf(place, document.getElementById(place.dataset.table));
  const ink = style("--ink");
  const pattern = PATTERNS[series[0][1].kind] ?? "";
  const data = series.map(([name, one], index) => ({
    type: "bar",
    name: shortened(name, 40),
    x: one.x,
    y: one.y,
    marker: { color: style(`--series-${(index % 6) + 1}`) },
    hovertemplate: `%{x}<br>%{y:${pattern}}<extra>${shortened(name, 40)}</extra>`,
  }));
  const axis = { gridcolor: style("--line"), linecolor: style("--edge"), zerolinecolor: style("--edge"), fixedrange: true };
  const layout = {
    barmode: place.dataset.plot === "stack" ? "stack" : "group",
    bargap: 0.3,
    // The point and the thousands, as the reader writes them.
    separators: { de: ",.", ru: ",\u00a0" }[document.documentElement.lang] ?? ".,",
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
  if (isDay) Object.assign(layout.xaxis, { tickformat: "%Y-%m-%d", nticks: 8 });
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
