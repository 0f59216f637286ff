//! Names for what generated clients make types of: without one, every operation would bring types of its own.

use serde_json::{Map, Value, json};

type Schemas = Map<String, Value>;

/// The envelope of a "yes"; where the data has a name, one schema serves every operation.
pub(crate) fn answer(data: Value, named: &mut Schemas) -> Value {
    let name = data.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
    let name = name.map(|name| format!("Answer_{name}"));
    let schema = json!({
        "type": "object",
        "required": ["data", "error"],
        "properties": { "data": data, "error": { "type": "null" } },
        "additionalProperties": false,
    });
    let Some(name) = name else { return schema };
    let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
    named.insert(name, schema);
    reference
}

/// Alternatives within the schema `name`: titles, which classes are named by, and what is a choice with further fields
/// joins `chosen` under a name of its own, because generators make no class of it where it stands.
pub(crate) fn alternatives(name: &str, schema: &mut Value, schemas: &Schemas, chosen: &mut Schemas) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Array(parts)) = members.get("allOf")
                && let Some(several) = spread(parts, schemas)
            {
                let choice = format!("{name}Choice");
                let mut whole = json!({ "oneOf": several });
                alternatives(&choice, &mut whole, schemas, chosen);
                members.remove("allOf");
                members.insert("$ref".to_owned(), format!("#/components/schemas/{choice}").into());
                chosen.insert(choice, whole);
            }
            if let Some(Value::Array(alternatives)) = members.get_mut("oneOf") {
                for alternative in alternatives {
                    entitle(name, alternative);
                }
            }
            for (member, inner) in members.iter_mut() {
                match inner {
                    Value::Object(fields) if member == "properties" => {
                        for (field, inner) in fields {
                            alternatives(&format!("{name}{}", pascal(field)), inner, schemas, chosen);
                        }
                    }
                    _ => alternatives(name, inner, schemas, chosen),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| alternatives(name, item, schemas, chosen)),
        _ => {}
    }
}

/// "One of these, with those fields": each of these with those fields.
fn spread(parts: &[Value], schemas: &Schemas) -> Option<Vec<Value>> {
    let [one, fields] = parts else { return None };
    let several = crate::operation::resolve(one, schemas).get("oneOf")?.as_array()?;
    let more = fields.get("properties")?.as_object()?;
    let with = |alternative: &Value| {
        let mut whole = alternative.clone();
        whole.get_mut("properties")?.as_object_mut()?.extend(more.clone());
        Some(whole)
    };
    several.iter().map(with).collect()
}

/// Names an alternative by what tells it from the others: the one value that a field of it has, or its only field.
fn entitle(whole: &str, alternative: &mut Value) {
    let Some(properties) = alternative.get("properties").and_then(Value::as_object) else { return };
    let told = properties.values().find_map(|property| match property.get("enum")?.as_array()?.as_slice() {
        [Value::String(only)] => Some(only.as_str()),
        _ => None,
    });
    let only = || alternative.pointer("/required/0").and_then(Value::as_str);
    let Some(name) = told.or_else(only) else { return };
    let title = format!("{whole}{}", pascal(name));
    alternative["title"] = title.into();
}

fn pascal(name: &str) -> String {
    name.split('_').map(capitalized).collect()
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_beside_alternatives_stand_in_each_of_them_under_a_name() {
        let schemas = json!({ "Source": { "oneOf": [
            { "type": "object", "required": ["url"], "properties": { "url": {} } },
            { "type": "object", "required": ["id"], "properties": { "id": {} } },
        ]}});
        let fields = json!({ "type": "object", "properties": { "filename": {} } });
        let source = json!({ "$ref": "#/components/schemas/Source" });
        let mut schema = json!({ "properties": { "document": { "allOf": [source, fields] } } });
        let mut chosen = Map::new();
        alternatives("Header", &mut schema, schemas.as_object().unwrap(), &mut chosen);
        let reference = json!({ "$ref": "#/components/schemas/HeaderDocumentChoice" });
        assert_eq!(schema, json!({ "properties": { "document": reference } }));
        let expected = json!({ "oneOf": [
            { "title": "HeaderDocumentChoiceUrl", "type": "object", "required": ["url"],
              "properties": { "url": {}, "filename": {} } },
            { "title": "HeaderDocumentChoiceId", "type": "object", "required": ["id"],
              "properties": { "id": {}, "filename": {} } },
        ]});
        assert_eq!(chosen["HeaderDocumentChoice"], expected);
    }

    #[test]
    fn an_alternative_is_named_by_its_one_value() {
        let mut schema = json!({ "oneOf": [
            { "properties": { "text": {}, "type": { "enum": ["quick_reply"] } }, "required": ["text", "type"] },
            { "type": "null" },
        ]});
        alternatives("Button", &mut schema, &Map::new(), &mut Map::new());
        assert_eq!(schema["oneOf"][0]["title"], "ButtonQuickReply");
        assert_eq!(schema["oneOf"][1], json!({ "type": "null" }));
    }

    #[test]
    fn an_answer_with_named_data_is_told_once() {
        let mut named = Map::new();
        let given = answer(json!({ "$ref": "#/components/schemas/Lead" }), &mut named);
        assert_eq!(given, json!({ "$ref": "#/components/schemas/Answer_Lead" }));
        assert_eq!(
            named["Answer_Lead"]["properties"]["data"],
            json!({ "$ref": "#/components/schemas/Lead" })
        );
        assert_eq!(answer(json!({ "type": "null" }), &mut named)["properties"]["data"]["type"], "null");
        assert_eq!(named.len(), 1);
    }
}
