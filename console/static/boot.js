/* Before the first paint: the chosen theme and row height; and what only a script can open may be closed. */
(function () {
  var root = document.documentElement;
  root.classList.add("js");
  try {
    ["theme", "density"].forEach(function (name) {
      if (localStorage[name]) root.setAttribute("data-" + name, localStorage[name]);
    });
  } catch (e) { /* storage is off: the system's theme */ }
})();
