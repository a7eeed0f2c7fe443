/* Enhancements only: every page reads, filters and acts without this file. */
(function () {
  "use strict";
  var doc = document, root = doc.documentElement, body = doc.body, store;
  try { store = localStorage; store.length; } catch (e) { store = {}; }
  function all(query, from) { return [].slice.call((from || doc).querySelectorAll(query)); }
  function one(query, from) { return (from || doc).querySelector(query); }

  /* display */
  ["theme", "density"].forEach(function (name) {
    var input = one("input[name=" + name + "][value='" + (store[name] || "") + "']");
    if (input) input.checked = true;
  });
  var here = one(".nav [aria-current]");
  if (here && here.parentNode.scrollWidth > here.parentNode.clientWidth) here.scrollIntoView({ block: "nearest", inline: "center" });
  if (innerWidth < 1081) all("details.fx").forEach(function (x) { x.removeAttribute("open"); });
  doc.addEventListener("change", function (e) {
    var name = e.target.name, value = e.target.value;
    if (name === "theme" || name === "density") {
      if (value) root.setAttribute("data-" + name, value); else root.removeAttribute("data-" + name);
      store[name] = value;
    }
    if (e.target.matches("[data-all]")) choose(all(".k-sel input:not([data-all])"), e.target.checked);
    else if (e.target.matches("[data-fold]")) choose(inside(e.target.getAttribute("data-fold")).map(function (row) { return one(".k-sel input", row); }), e.target.checked);
    else if (e.target.matches(".k-sel input")) mark(e.target);
    else if (e.target.form && e.target.form.id === "filters") { slow(); e.target.form.submit(); }
  });
  doc.addEventListener("click", function (e) {
    var fold = e.target.closest("[data-open]"), link = e.target.closest("a[href]");
    if (e.target.closest("[data-print]")) numbered(print);
    if (fold) open(fold, fold.getAttribute("aria-expanded") !== "true");
    if (link && !e.defaultPrevented && !e.ctrlKey && !e.metaKey && !e.shiftKey && !link.target && !link.hasAttribute("download") && link.getAttribute("href")[0] !== "#") slow();
  });

  /* a page that takes long: what will change turns into grey bars, the rest stays until the new page is there */
  var waits;
  function slow() { clearTimeout(waits); waits = setTimeout(function () { body.classList.add("wait"); }, 300); }
  function arrived() { clearTimeout(waits); body.classList.remove("wait"); }
  doc.addEventListener("submit", function (e) { if (!e.defaultPrevented && e.target.method === "get") slow(); });
  ["pagehide", "pageshow"].forEach(function (name) { addEventListener(name, arrived); });

  /* folds: equal rows stand behind one */
  function inside(key) { return all("tr.d[data-in]").filter(function (row) { return row.getAttribute("data-in") === key; }); }
  function open(fold, is) {
    fold.setAttribute("aria-expanded", is);
    inside(fold.getAttribute("data-open")).forEach(function (row) { row.classList.toggle("open", is); });
  }

  /* printing is kept in the audit; the paper carries the number where the page's own button was used */
  var told = false;
  function numbered(then) {
    told = true;
    keepPrint().then(function (answer) { return answer.ok ? answer.json() : null; }).then(function (kept) {
      if (kept) all(".print-no").forEach(function (x) { x.textContent = kept.text; });
    }).catch(function () {}).then(function () { then(); told = false; });
  }
  function keepPrint() {
    var sent = new URLSearchParams({ csrf: body.getAttribute("data-csrf") || "", page: location.pathname + location.search });
    return fetch("/prints", { method: "POST", body: sent, credentials: "same-origin", keepalive: true });
  }
  addEventListener("beforeprint", function () { if (!told && body.hasAttribute("data-csrf")) keepPrint().catch(function () {}); });

  /* names: from the office's own service straight to this page, for as long as the reveal lasts; nothing keeps them */
  all("[data-name-of]").forEach(function (x) {
    var short = x.textContent;
    function hide() { x.textContent = short; x.removeAttribute("lang"); }
    addEventListener("beforeprint", hide);
    fetch(x.getAttribute("data-names"), {
      method: "POST", mode: "cors", credentials: "include", cache: "no-store", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ person_ref: x.getAttribute("data-name-of") })
    }).then(function (answer) { return answer.ok ? answer.json() : Promise.reject(answer.status); }).then(function (found) {
      if (typeof found.name !== "string" || !found.name) throw new Error("no name");
      x.textContent = found.name.slice(0, 40); x.setAttribute("lang", "zh-CN");
      setTimeout(hide, +x.getAttribute("data-left") * 1000);
    }).catch(function () { var said = one("#no-name"); if (said) said.hidden = false; });
  });
  if (location.hash) { var asked = doc.getElementById(location.hash.slice(1)); if (asked && asked.tagName === "DETAILS") asked.open = true; }

  /* selection */
  var bulk = one(".bulk"), chosen = one("#chosen");
  function mark(box) {
    box.closest("tr").classList.toggle("sel", box.checked);
    count();
  }
  function choose(boxes, is) { boxes.forEach(function (box) { if (box) { box.checked = is; mark(box); } }); }
  function count() {
    if (!bulk) return;
    var n = all(".k-sel input[name=id]:checked").length;
    bulk.hidden = !n; chosen.textContent = n;
  }
  all(".k-sel input[name=id]:checked").forEach(mark); count();

  /* keys */
  function cur() { return one("tr.cur"); }
  function move(by) {
    var rows = all("tr.d,tr.fold").filter(function (row) { return row.offsetParent; }), at = rows.indexOf(cur());
    var next = rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + by))];
    if (!next) return;
    if (cur()) cur().classList.remove("cur");
    next.classList.add("cur");
    var link = one("a,button", next); if (link) link.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }
  function press(name) {
    var target = one('[data-act="' + name + '"]', cur() || doc) || one('.hero [data-act="' + name + '"]');
    if (target) target.click();
  }
  var keys = {
    j: function () { move(1); }, k: function () { move(-1); },
    x: function () { var b = cur() && one(".k-sel input", cur()); if (b) b.click(); },
    a: function () { press("ack"); }, s: function () { press("snooze"); }, r: function () { press("assign"); },
    c: function () { var box = one("#note input[name=note]"); if (box && !cur()) box.focus(); else press("note"); },
    n: function () { press2("new"); }, u: function () { press2("undo"); }, p: function () { numbered(print); },
    y: function () { copy(one("[data-ref]", cur() || doc)); },
    "/": function () { var f = one(".find input"); if (f) f.focus(); },
    "?": function () { var h = one("dialog.keys"); if (h && h.showModal) h.showModal(); },
    Escape: function () { var back = one(".crumbs a"); if (back) back.click(); }
  };
  function copy(from) {
    var said = one("#copied");
    if (!from || !said) return;
    var ref = from.getAttribute("data-ref"), area = doc.createElement("textarea");
    function tell() { said.hidden = false; said.textContent = said.getAttribute("data-text").replace("?", ref); setTimeout(function () { said.hidden = true; }, 4000); }
    if (navigator.clipboard) { navigator.clipboard.writeText(ref).then(tell, function () {}); return; }
    area.value = ref; body.appendChild(area); area.select();  /* a page over plain HTTP has no clipboard of its own */
    if (doc.execCommand("copy")) tell();
    area.remove();
  }
  function press2(name) { var target = one('[data-act="' + name + '"]'); if (target && !target.hidden) target.click(); }
  doc.addEventListener("keydown", function (e) {
    var t = e.target;
    if (e.ctrlKey || e.metaKey || e.altKey || one("dialog[open]")) return;
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(t.tagName) && t.type !== "checkbox") { if (e.key === "Escape") t.blur(); return; }
    if (body.getAttribute("data-keys") === "off") return;
    var go = keys[e.key];
    if (go) { e.preventDefault(); go(); }
  });

  /* undo */
  all(".toast[data-seconds]").forEach(function (toast) {
    var left = +toast.getAttribute("data-seconds"), shown = one(".left", toast);
    var timer = setInterval(function () {
      left -= 1;
      if (left <= 0) { clearInterval(timer); toast.remove(); } else shown.textContent = left;
    }, 1000);
  });

  /* live: nothing moves by itself; a row that is being used is left alone until it is left */
  var list = one("main [data-events]") || one("[data-events]"), dot = one("#live"), pill = one("#pill");
  if (!list || !window.EventSource) return;
  var waiting = {}, beat = 0, critical = 0, title = doc.title, shownNew = 0, hiddenIds = {};
  function busy(row) {
    return row.matches(":hover") || row.contains(doc.activeElement) || row.classList.contains("cur") || row.classList.contains("sel") || !!one("dialog[open]");
  }
  function replace(row) {
    var to = "/alerts/" + encodeURIComponent(row.getAttribute("data-id")) + "/row";
    if (!window.htmx) { showPill(1); return; }
    htmx.ajax("GET", to, { target: row, swap: "outerHTML" }).then(function () {  /* a fold stays as it is */
      var fresh = doc.getElementById(row.id), key = row.getAttribute("data-in");
      if (fresh && key) { fresh.setAttribute("data-in", key); fresh.classList.toggle("open", row.classList.contains("open")); }
    });
  }
  doc.addEventListener("htmx:beforeSwap", function (e) {
    var row = e.detail.target;
    if (!busy(row)) return;
    e.detail.shouldSwap = false; waiting[row.getAttribute("data-id")] = true;
  });
  function leave() {
    Object.keys(waiting).forEach(function (id) {
      var row = doc.getElementById("a-" + id);
      if (!row) delete waiting[id]; else if (!busy(row)) { delete waiting[id]; replace(row); }
    });
  }
  ["mouseout", "focusout"].forEach(function (name) { doc.addEventListener(name, function () { setTimeout(leave, 50); }); });
  function changed(told) {
    var row = doc.getElementById("a-" + told.alert_id), sheet = one("#alert");
    if (sheet && sheet.getAttribute("data-id") === told.alert_id && told.revision > +sheet.getAttribute("data-revision")) showPill(1);
    if (!row || told.revision <= +row.getAttribute("data-revision")) return;
    if (doc.hidden) { hiddenIds[told.alert_id] = told; return; }
    if (busy(row)) waiting[told.alert_id] = true; else replace(row);
  }
  doc.addEventListener("visibilitychange", function () {
    if (doc.hidden) return;
    var late = hiddenIds; hiddenIds = {};
    Object.keys(late).forEach(function (id) { changed(late[id]); });
  });
  function showPill(n) {
    if (!pill) return;
    shownNew += n; pill.hidden = false;
    one("span", pill).textContent = pill.getAttribute("data-text").replace("0", shownNew);
  }
  function alive() { beat = Date.now(); if (dot) dot.classList.remove("off"); var lost = one("#lost"); if (lost) lost.hidden = true; }
  /* a browser has few connections to one host: a tab in the background listens only where it counts critical alerts */
  var source, last = "", counts = !!one(".count");
  function connect() {
    var to = list.getAttribute("data-events");
    source = new EventSource(to + (last ? (to.indexOf("?") < 0 ? "?" : "&") + "since=" + last : ""));
    function on(name, act) { source.addEventListener(name, function (e) { last = e.lastEventId; alive(); act(e); }); }
    source.onopen = alive;
    on("beat", function (e) { var told = JSON.parse(e.data); readonly(told.away); dated(told.data); });
    on("row", function (e) { changed(JSON.parse(e.data)); });
    on("new", function (e) {
      showPill(1);
      if (JSON.parse(e.data).severity === "CRIT") { critical += 1; doc.title = "(" + critical + ") " + title; }
    });
    on("reset", function () { showPill(1); });
  }
  function listen() {
    var wanted = !doc.hidden || counts;
    if (wanted && !source) connect();
    if (!wanted && source) { source.close(); source = null; }
  }
  doc.addEventListener("visibilitychange", listen);
  listen();

  /* how far alerts are processed: the line in the head, and the banner where that is too long ago */
  function dated(told) {
    var asof = one("#asof"), late = one("#late");
    if (!asof || !late) return;
    one("span:last-child", asof).textContent = told.line; asof.classList.toggle("late", told.late);
    one("b + span", late).textContent = told.warning; late.hidden = !told.late;
    all("main > .only-print").forEach(function (x) { x.textContent = told.line; });
  }

  /* the database is away: what is shown can be read and printed, and nothing can be sent */
  function readonly(since) {
    var told = one("#readonly");
    if (!told || told.hidden === !since) return;
    told.hidden = !since;
    one("span", told).textContent = told.getAttribute("data-text").replace("?", since || "");
    all("form[method=post] button, button[formaction]").forEach(function (button) {
      if (since) { button.setAttribute("aria-disabled", "true"); button.title = told.getAttribute("data-why"); }
      else { button.removeAttribute("aria-disabled"); button.removeAttribute("title"); }
    });
  }
  doc.addEventListener("submit", function (e) {
    var told = one("#readonly");
    if (told && !told.hidden && e.target.method === "post") { e.preventDefault(); told.scrollIntoView({ block: "nearest" }); }
  });
  setInterval(function () {
    var quiet = Date.now() - beat, lost = one("#lost");
    if (quiet > 10000 && dot) dot.classList.add("off");
    if (quiet > 60000 && lost) lost.hidden = false;
  }, 2000);
})();
