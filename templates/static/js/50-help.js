// /help/check: what only script can see.
(function () {
  "use strict";
  var script = document.getElementById("script"), clock = document.getElementById("clock");
  if (script) { script.textContent = script.dataset.good; script.className = "badge ok"; }
  if (!clock) return;
  var off = Math.round((Date.now() - Number(clock.dataset.now)) / 1000), far = Math.abs(off) > 120;
  var badge = document.createElement("span");
  badge.className = "badge " + (far ? "bad" : "ok");
  badge.textContent = far ? clock.dataset.off.replace("{0}", String(Math.abs(off))) : clock.dataset.good;
  clock.appendChild(document.createTextNode(" "));
  clock.appendChild(badge);
})();
