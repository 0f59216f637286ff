// The key stays in this page: it is not kept in the browser and goes to this origin only.
window.addEventListener("load", async () => {
  const ui = SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#api",
    deepLinking: true,
    docExpansion: "none",
    persistAuthorization: false,
    tryItOutEnabled: true,
    validatorUrl: null,
    onComplete: async () => {
      const settings = await fetch("/developers/api-docs/settings.json").then((answer) => answer.json());
      if (settings.test_key) {
        ui.preauthorizeApiKey("api_key", settings.test_key);
      }
    },
  });
});
