// The key stays in this page: it is not kept in the browser and goes to this origin only.
window.addEventListener("load", async () => {
  // Before the page shows anything to try: the first request has the key already.
  const settings = await fetch("/developers/api-docs/settings.json").then((answer) => answer.json());
  const ui = SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#api",
    deepLinking: true,
    docExpansion: "none",
    persistAuthorization: false,
    tryItOutEnabled: true,
    validatorUrl: null,
    onComplete: () => {
      if (settings.test_key) {
        ui.preauthorizeApiKey("api_key", settings.test_key);
      }
    },
  });
});
