//! Who asks: PINs, access tokens, and the caller of a request.

pub mod caller;
pub mod pin;
pub mod token;
