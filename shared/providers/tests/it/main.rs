//! The translation against whole bodies: our samples, hostile ones, arbitrary bytes and an outside corpus.

#[cfg(test)]
mod adapters;
#[cfg(test)]
mod capabilities;
#[cfg(test)]
mod channels;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod dialog360;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod meta_account;
#[cfg(test)]
mod meta_messages;
#[cfg(test)]
mod outbound;
#[cfg(test)]
mod outbound_answers;
#[cfg(test)]
mod outbound_failures;
#[cfg(test)]
mod outbound_media;
#[cfg(test)]
mod outbound_templates;
#[cfg(test)]
mod outbound_ultramsg;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod sms;
#[cfg(test)]
mod template_writes;
#[cfg(test)]
mod templates;
#[cfg(test)]
mod ultramsg;
