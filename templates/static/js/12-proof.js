// Counts down until another code may be asked for.
(function () {
  "use strict";
  document.querySelectorAll("button[data-wait]").forEach(function (button) {
    var text = button.textContent, end = Date.now() + Number(button.dataset.wait) * 1000;
    function tick() {
      var left = Math.ceil((end - Date.now()) / 1000);
      button.disabled = left > 0;
      button.textContent = left > 0 ? button.dataset.waiting.replace("{0}", left) : text;
      if (left > 0) setTimeout(tick, 500);
    }
    tick();
  });
})();
