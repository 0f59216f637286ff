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
      // Until the whole document is read there is nothing to attach the key to, and it is answered with `null`.
      for (let tries = 0; settings.test_key && tries < 100; tries += 1) {
        if (ui.preauthorizeApiKey("api_key", settings.test_key)) {
          break;
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
  });
});
