//! The services through the wire: every test starts its own on a free port and talks HTTP to it.

#[cfg(test)]
mod durability;
#[cfg(test)]
mod dynamodb;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod front;
#[cfg(test)]
mod kms;
#[cfg(test)]
mod s3;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod sqs;
#[cfg(test)]
mod sqs_redrive;
#[cfg(test)]
mod stack;
