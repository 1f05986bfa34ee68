//! What people read (R7.7).
