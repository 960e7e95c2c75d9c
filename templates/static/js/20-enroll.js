// Says of a 统一社会信用代码 at once what the server would say after sending.
(function () {
  "use strict";
  var letters = "0123456789ABCDEFGHJKLMNPQRTUWXY";
  document.querySelectorAll("input[data-uscc]").forEach(function (input) {
    var note = document.createElement("p");
    note.className = "hint";
    note.setAttribute("role", "status");
    input.parentNode.appendChild(note);
    input.addEventListener("change", function () {
      var code = input.value.normalize("NFKC").toUpperCase().replace(/[\s-]/g, "");
      var sum = 0, weight = 1, fits = code.length === 18;
      for (var i = 0; fits && i < 18; i++) {
        var v = letters.indexOf(code[i]);
        if (v < 0) fits = false;
        if (i < 17) { sum += v * weight; weight = weight * 3 % 31; }
        else if (v !== (31 - sum % 31) % 31) fits = false;
      }
      note.textContent = code && !fits ? input.dataset.uscc : "";
    });
  });
})();
