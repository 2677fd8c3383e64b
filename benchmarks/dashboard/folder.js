/* Opened from a folder, a page may not fetch files beside it; it may load scripts. So build.py writes all
   of the site's JSON into one script too, and here jQuery is told to take it from there. Served by a web
   server, the site loads its files one by one as ever, and this does nothing. */
if (window.location.protocol === "file:") {
  document.write('<script src="folder-data.js"><\/script>');
  jQuery.ajaxTransport("+json", function (options) {
    const path = options.url.split("?")[0].split("/").map(decodeURIComponent).join("/");
    return {
      send: function (_headers, complete) {
        const found = window.folderData;
        if (found && path in found) {
          complete(200, "OK", { json: found[path] });
        } else {
          complete(404, "no " + path + " in folder-data.js");
        }
      },
      abort: function () {},
    };
  });
}
