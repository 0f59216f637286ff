//! Which function answers a request: the choice API Gateway makes among the routes of an HTTP API.

use crate::template::Template;
use std::cmp::Ordering;

/// The routes of the template, the most specific first.
#[derive(Debug, Clone)]
pub struct Routes {
    routes: Vec<Entry>,
    fallback: Option<usize>,
}

#[derive(Debug, Clone)]
struct Entry {
    method: Option<String>,
    segments: Vec<Segment>,
    function: usize,
}

/// Ordered by how specific it is: a static segment beats a variable, a variable beats a greedy one.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Static(String),
    Variable,
    Greedy,
}

impl Segment {
    fn read(text: &str) -> Self {
        match text.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
            Some(name) if name.ends_with('+') => Self::Greedy,
            Some(_) => Self::Variable,
            None => Self::Static(text.to_owned()),
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Static(_) => 0,
            Self::Variable => 1,
            Self::Greedy => 2,
        }
    }
}

impl Entry {
    /// Segment by segment, then a named method before `ANY`.
    fn compare(&self, other: &Self) -> Ordering {
        let ranks = |entry: &Self| entry.segments.iter().map(Segment::rank).collect::<Vec<_>>();
        ranks(self).cmp(&ranks(other)).then_with(|| self.method.is_none().cmp(&other.method.is_none()))
    }

    fn answers(&self, method: &str, path: &str) -> bool {
        if self.method.as_deref().is_some_and(|own| own != method) {
            return false;
        }
        let mut given = path.strip_prefix('/').unwrap_or(path).split('/');
        for segment in &self.segments {
            let Some(text) = given.next() else { return false };
            match segment {
                Segment::Static(own) if own == text => {}
                Segment::Variable if !text.is_empty() => {}
                Segment::Greedy if !text.is_empty() => return true,
                Segment::Static(_) | Segment::Variable | Segment::Greedy => return false,
            }
        }
        given.next().is_none()
    }
}

impl Routes {
    /// Collects the routes of all functions; a route leads to the index of its function in the template.
    #[must_use]
    pub fn of(template: &Template) -> Self {
        let mut routes = Vec::new();
        let mut fallback = None;
        for (function, described) in template.functions.iter().enumerate() {
            for route in &described.routes {
                if route.path == "$default" {
                    fallback = Some(function);
                    continue;
                }
                let path = route.path.strip_prefix('/').unwrap_or(&route.path);
                let method = (route.method != "ANY").then(|| route.method.clone());
                routes.push(Entry {
                    method,
                    segments: path.split('/').map(Segment::read).collect(),
                    function,
                });
            }
        }
        routes.sort_by(Entry::compare);
        Self { routes, fallback }
    }

    /// The function that owns this request; `None` where the API has no route for it.
    #[must_use]
    pub fn find(&self, method: &str, path: &str) -> Option<usize> {
        let found = self.routes.iter().find(|route| route.answers(method, path));
        found.map(|route| route.function).or(self.fallback)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::DEPLOYED;

    /// A template of one function per route; answers are the routes' texts.
    struct Api {
        routes: Routes,
        texts: Vec<&'static str>,
    }

    impl Api {
        fn of(texts: &[&'static str]) -> Self {
            let functions = texts.iter().enumerate().map(|(index, text)| {
                let (method, path) = text.split_once(' ').unwrap();
                format!(
                    "  F{index}:\n    Type: AWS::Serverless::Function\n    Metadata: {{BuildProperties: {{Binary: f}}}}\n    \
                     Properties:\n      Events:\n        E:\n          Type: HttpApi\n          \
                     Properties: {{Path: '{path}', Method: {method}}}\n"
                )
            });
            let resources: String = functions.collect();
            let text =
                format!("Parameters: {{Stage: {{Type: String, Default: dev}}}}\nResources:\n{resources}");
            Self { routes: Routes::of(&Template::parse(&text, "local", &[]).unwrap()), texts: texts.to_vec() }
        }

        fn find(&self, request: &str) -> Option<&str> {
            let (method, path) = request.split_once(' ').unwrap();
            self.routes.find(method, path).map(|index| self.texts[index])
        }
    }

    #[test]
    fn a_static_segment_beats_a_variable_and_a_greedy_one() {
        let api =
            Api::of(&["ANY /{all+}", "ANY /v1/events/{id}", "ANY /v1/events/replay", "ANY /v1/{rest+}"]);
        assert_eq!(api.find("POST /v1/events/replay"), Some("ANY /v1/events/replay"));
        assert_eq!(api.find("GET /v1/events/evt_1"), Some("ANY /v1/events/{id}"));
        assert_eq!(api.find("GET /v1/events/evt_1/replay"), Some("ANY /v1/{rest+}"));
        assert_eq!(api.find("GET /other"), Some("ANY /{all+}"));
    }

    #[test]
    fn a_named_method_beats_any() {
        let api = Api::of(&["ANY /v1/leads", "POST /v1/leads"]);
        assert_eq!(api.find("POST /v1/leads"), Some("POST /v1/leads"));
        assert_eq!(api.find("GET /v1/leads"), Some("ANY /v1/leads"));
    }

    #[test]
    fn what_no_route_names_goes_to_the_default_route_or_nowhere() {
        let open = Api::of(&["GET /v1/leads", "ANY $default"]);
        for request in ["POST /v1/leads", "GET /v1/leads/", "GET /", "GET /v1/leads/x", "GET //v1/leads"] {
            assert_eq!(open.find(request), Some("ANY $default"), "{request}");
        }
        assert_eq!(Api::of(&["GET /v1/leads"]).find("GET /v2/leads"), None);
    }

    #[test]
    fn a_variable_takes_exactly_one_segment_that_is_not_empty() {
        let api = Api::of(&["GET /v1/leads/{id}"]);
        assert_eq!(api.find("GET /v1/leads/a%2Fb"), Some("GET /v1/leads/{id}"));
        assert_eq!(api.find("GET /v1/leads/"), None);
        assert_eq!(api.find("GET /v1/leads/a/b"), None);
    }

    #[test]
    fn every_route_of_the_deployed_template_finds_its_own_function() {
        let template = Template::parse(DEPLOYED, "local", &[]).unwrap();
        let routes = Routes::of(&template);
        for (index, function) in template.functions.iter().enumerate() {
            for route in function.routes.iter().filter(|route| route.path != "$default") {
                let method = if route.method == "ANY" { "PATCH" } else { &route.method };
                assert_eq!(routes.find(method, &route.path), Some(index), "{} {}", route.method, route.path);
            }
        }
    }
}
