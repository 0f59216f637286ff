//! What became of a change of an API key.

/// What became of a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyMade {
    /// It is there.
    Yes,
    /// The id or the digest is taken.
    Taken,
    /// The tenant has another plan by now than the record says.
    PlanMoved,
}

/// What became of a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRevoked {
    /// It holds from now on.
    Now,
    /// It was revoked before.
    Before,
    /// The key that was to stay is no more.
    SurvivorGone,
}

/// What changing a key came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEdited {
    /// It is changed.
    Yes,
    /// It was revoked before.
    Revoked,
    /// The key that was to stay without an end did not.
    SurvivorGone,
}
