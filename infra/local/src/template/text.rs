//! A text of the template: what it says, and the resources it refers to that get their names only when they exist.

/// A text with references in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(Vec<Piece>);

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Itself.
    Literal(String),
    /// What `Ref` of a resource gives: a queue's URL, a table's name, a key's id, a secret's ARN.
    Ref(String),
    /// What `GetAtt` of a resource gives.
    Attribute {
        /// The logical id of the resource.
        resource: String,
        /// Such as `Arn`.
        attribute: String,
    },
}

impl Text {
    pub(super) fn literal(text: String) -> Self {
        let mut made = Self::default();
        made.push_literal(&text);
        made
    }

    pub(super) fn push_literal(&mut self, more: &str) {
        if more.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(Piece::Literal(text)) => text.push_str(more),
            _ => self.0.push(Piece::Literal(more.to_owned())),
        }
    }

    pub(super) fn append(&mut self, more: Self) {
        for piece in more.0 {
            match piece {
                Piece::Literal(text) => self.push_literal(&text),
                other => self.0.push(other),
            }
        }
    }

    /// The text, if it refers to no resource.
    #[must_use]
    pub fn as_literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The logical id of the one resource that the text consists of, as in `!Ref Queue` or `!GetAtt Queue.Arn`.
    #[must_use]
    pub fn as_resource(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Piece::Ref(resource) | Piece::Attribute { resource, .. }] => Some(resource),
            _ => None,
        }
    }

    /// The text with each reference replaced by what `name_of` knows.
    ///
    /// # Errors
    /// The first piece that `name_of` does not know.
    pub fn resolve(&self, name_of: impl Fn(&Piece) -> Option<String>) -> Result<String, Piece> {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                other => out.push_str(&name_of(other).ok_or_else(|| other.clone())?),
            }
        }
        Ok(out)
    }
}

impl From<Piece> for Text {
    fn from(piece: Piece) -> Self {
        Self(vec![piece])
    }
}
