// A file that is too large is told before it travels.
(function () {
  "use strict";
  document.querySelectorAll("input[type=file][data-most]").forEach(function (input) {
    var why = document.createElement("p");
    why.className = "why";
    why.setAttribute("role", "status");
    input.parentNode.appendChild(why);
    input.addEventListener("change", function () {
      var large = Array.prototype.some.call(input.files, function (f) { return f.size > Number(input.dataset.most); });
      why.textContent = large ? input.dataset.large : "";
    });
  });
})();
