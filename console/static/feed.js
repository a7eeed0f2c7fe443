/* The chart of a feed: the numbers of the table beside it, drawn. */
(function () {
  "use strict";
  var box = document.getElementById("chart"), rows = [].slice.call(document.querySelectorAll("#days tr[data-day]")).reverse();
  if (!box || !window.uPlot || !rows.length) return;
  var days = rows.map(function (row) { return Date.parse(row.getAttribute("data-day") + "T00:00:00+08:00") / 1000; });
  function column(name) {
    return rows.map(function (row) { var text = row.getAttribute("data-" + name); return text === "" ? null : +text; });
  }
  function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }
  function day(seconds) { var at = new Date((seconds + 8 * 3600) * 1000); return at.getUTCMonth() + 1 + "-" + ("0" + at.getUTCDate()).slice(-2); }
  var plot;
  function draw() {
    var ink = colour("--ink2"), line = { stroke: colour("--line"), width: 1 }, wide = box.parentNode.clientWidth - 32;
    if (plot) plot.destroy();
    box.hidden = false;
    plot = new uPlot({
      width: Math.max(240, wide), height: 220,
      scales: { x: { time: true }, lag: { range: function (u, low, high) { return [0, Math.max(1, high)]; } }, y: { range: function (u, low, high) { return [0, Math.max(1, high)]; } } },
      legend: { live: true }, cursor: { drag: { x: false, y: false } },
      axes: [
        { stroke: ink, grid: line, ticks: line, values: function (u, all) { return all.map(day); } },
        { stroke: ink, grid: line, ticks: line, size: 56 },
        { stroke: ink, grid: { show: false }, ticks: line, side: 1, scale: "lag", size: 60 }
      ],
      series: [
        { value: function (u, at) { return at === null ? "–" : day(at); }, label: box.getAttribute("data-day") },
        { label: box.getAttribute("data-n"), stroke: colour("--ok"), fill: colour("--ok"), paths: uPlot.paths.bars({ size: [0.6, 40] }), points: { show: false } },
        { label: box.getAttribute("data-lag") + " (" + box.getAttribute("data-unit") + ")", scale: "lag", stroke: colour("--brand-ink"), width: 2, spanGaps: false, points: { show: true, size: 4 } }
      ]
    }, [days, column("n"), column("lag")], box);
  }
  draw();
  var waits;
  window.addEventListener("resize", function () { clearTimeout(waits); waits = setTimeout(draw, 150); });
  document.addEventListener("change", function (e) { if (e.target.name === "theme") setTimeout(draw, 0); });
})();
