//! The API as a Postman collection (format 2.1.0), made from the document: a folder per tag, every operation with its
//! example, the address and the key as variables.

use serde_json::{Map, Value, json};

/// Where the format is described; Postman tells collections by it.
const FORMAT: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";

/// The collection of a document.
pub(crate) fn collection(document: &Value) -> Value {
    let mut folders: Vec<(String, Vec<Value>)> = Vec::new();
    for tag in at(document, "/tags").as_array().into_iter().flatten() {
        folders.push((text(at(tag, "/name")), Vec::new()));
    }
    for (path, operations) in at(document, "/paths").as_object().into_iter().flatten() {
        for (method, operation) in operations.as_object().into_iter().flatten() {
            let tag = at(operation, "/tags/0");
            if let Some((_, items)) = folders.iter_mut().find(|(name, _)| *tag == name.as_str()) {
                items.push(item(document, path, method, operation));
            }
        }
    }
    let folders: Vec<Value> = folders
        .into_iter()
        .filter(|(_, items)| !items.is_empty())
        .map(|(name, item)| json!({ "name": name, "item": item }))
        .collect();
    json!({
        "info": {
            "name": at(document, "/info/title"),
            "description": at(document, "/info/description"),
            "schema": FORMAT,
        },
        "auth": { "type": "bearer", "bearer": [{ "key": "token", "value": "{{api_key}}", "type": "string" }] },
        "variable": [
            { "key": "base_url", "value": "http://127.0.0.1:8787" },
            { "key": "api_key", "value": "" },
        ],
        "item": folders,
    })
}

fn item(document: &Value, path: &str, method: &str, operation: &Value) -> Value {
    let path = format!("{}{path}", text(at(document, "/servers/0/url")));
    let parameters: Vec<&Value> = at(operation, "/parameters")
        .as_array()
        .into_iter()
        .flatten()
        .map(|parameter| match at(parameter, "/$ref").as_str().and_then(|path| path.strip_prefix('#')) {
            Some(pointer) => document.pointer(pointer).unwrap_or(parameter),
            None => parameter,
        })
        .collect();
    let of = |place: &str| parameters.iter().filter(|one| at(one, "/in") == place).collect::<Vec<_>>();
    let listed =
        |one: &Value| json!({ "key": at(one, "/name"), "value": "", "description": at(one, "/description") });
    // What is optional is there and switched off: a value is filled in, and the box ticked.
    let optional = |one: &&&Value| {
        let mut listed = listed(one);
        if let Some(listed) = listed.as_object_mut() {
            listed.insert("disabled".to_owned(), json!(at(one, "/required") != true));
        }
        listed
    };
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => format!(":{name}"),
            None => segment.to_owned(),
        })
        .collect();
    let mut request = Map::new();
    request.insert("method".to_owned(), json!(method.to_uppercase()));
    request.insert("description".to_owned(), at(operation, "/description").clone());
    let mut headers: Vec<Value> = of("header").iter().map(optional).collect();
    if let Some((kind, content)) =
        at(operation, "/requestBody/content").as_object().and_then(|all| all.iter().next())
    {
        headers.push(json!({ "key": "Content-Type", "value": kind }));
        let example = match at(content, "/example") {
            Value::String(example) => example.clone(),
            Value::Null => String::new(),
            example => format!("{example:#}"),
        };
        let language = json!({ "raw": { "language": "json" } });
        request.insert("body".to_owned(), json!({ "mode": "raw", "raw": example, "options": language }));
    }
    request.insert("header".to_owned(), json!(headers));
    if at(operation, "/security").as_array().is_some_and(|needs| needs.iter().all(|need| *need == json!({})))
    {
        request.insert("auth".to_owned(), json!({ "type": "noauth" }));
    }
    request.insert(
        "url".to_owned(),
        json!({
            "raw": format!("{{{{base_url}}}}/{}", segments.join("/")),
            "host": ["{{base_url}}"],
            "path": segments,
            "query": of("query").iter().map(optional).collect::<Vec<_>>(),
            "variable": of("path").iter().map(|one| listed(one)).collect::<Vec<_>>(),
        }),
    );
    json!({ "name": at(operation, "/summary"), "request": request })
}

/// What lies at a JSON pointer.
fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_document_is_in_the_collection_with_its_example() {
        let document: Value = serde_json::from_str(crate::DOCUMENT).unwrap();
        let collection = collection(&document);
        let items: Vec<&Value> = collection["item"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|folder| folder["item"].as_array().unwrap())
            .collect();
        let operations = document["paths"].as_object().unwrap().values();
        let operations: usize = operations.map(|methods| methods.as_object().unwrap().len()).sum();
        assert_eq!(items.len(), operations);
        for item in &items {
            let request = &item["request"];
            let raw = request["url"]["raw"].as_str().unwrap();
            assert!(raw.starts_with("{{base_url}}/v1/") && !raw.contains("/{"), "{raw}");
            let variables = request["url"]["variable"].as_array().unwrap().len();
            assert_eq!(raw.matches("/:").count(), variables, "{raw}");
        }
        let of = |name: &str| items.iter().find(|item| item["request"]["url"]["raw"] == name).unwrap();
        let sends = of("{{base_url}}/v1/whatsapp/messages");
        let body: Value = serde_json::from_str(sends["request"]["body"]["raw"].as_str().unwrap()).unwrap();
        assert!(body.is_object(), "{body}");
        assert_eq!(of("{{base_url}}/v1/status")["request"]["auth"]["type"], "noauth");
        assert_eq!(sends["request"]["auth"], Value::Null, "the collection's own");
    }
}
