// The review desk: a key for each decision, unless somebody is typing.
(function () {
  "use strict";
  document.addEventListener("keydown", function (ev) {
    var at = ev.target;
    if (!ev.altKey || ev.ctrlKey || ev.metaKey || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName)) return;
    var button = document.querySelector('button[data-key="' + ev.key.toLowerCase() + '"]');
    if (button) { ev.preventDefault(); button.focus(); }
  });
})();
