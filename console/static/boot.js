/* Before the first paint: the chosen theme and row height. */
(function () {
  var root = document.documentElement;
  try {
    ["theme", "density"].forEach(function (name) {
      if (localStorage[name]) root.setAttribute("data-" + name, localStorage[name]);
    });
  } catch (e) { /* storage is off: the system's theme */ }
})();
