//! What carriers make of an SMS (3GPP TS 23.038): 160 letters of their own alphabet fit into one message, of others 70.
//!
//! That alphabet has ñ, é and ¿, and neither á, í, ó nor ú: one of them makes three messages of one text. So a text that would be all
//! of that alphabet but for accents is sent without those, as people write it on their phones. One with a letter that has no such
//! stand-in, of a name like Łukasz or Мария, goes as it is written.

/// The letters that count once.
const ONCE: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Those of the extension, which count twice.
const TWICE: &str = "^{}\\[~]|€";

/// What stands in for a letter of Spanish, or for a mark of print, that the alphabet does not have.
const fn stand_in(c: char) -> Option<&'static str> {
    Some(match c {
        'á' => "a",
        'í' => "i",
        'ó' => "o",
        'ú' => "u",
        'Á' => "A",
        'Í' => "I",
        'Ó' => "O",
        'Ú' => "U",
        '‘' | '’' => "'",
        '“' | '”' | '«' | '»' => "\"",
        '–' | '—' => "-",
        '…' => "...",
        '\u{a0}' => " ",
        _ => return None,
    })
}

fn width(c: char) -> Option<usize> {
    if TWICE.contains(c) { Some(2) } else { ONCE.contains(c).then_some(1) }
}

/// How many messages of a carrier a text becomes: 160 or 70 letters fit into one, 153 or 67 into each of several.
#[must_use]
pub fn segments(text: &str) -> u32 {
    let (length, one, several) = match text.chars().map(width).sum::<Option<usize>>() {
        Some(length) => (length, 160, 153),
        None => (text.encode_utf16().count(), 70, 67),
    };
    if length <= one { 1 } else { u32::try_from(length.div_ceil(several)).unwrap_or(u32::MAX) }
}

/// The text in the carriers' alphabet, if stand-ins are enough for that; else as it is.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match stand_in(c) {
            Some(letters) => plain.push_str(letters),
            None if width(c).is_some() => plain.push(c),
            None => return text.to_owned(),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_counted_as_carriers_count_it() {
        for (text, count) in [
            ("a".repeat(160), 1),
            ("a".repeat(161), 2),
            ("é".repeat(160), 1),
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
            ("ő".repeat(70), 1),
            ("ő".repeat(71), 2),
            ("😀".repeat(36), 2),
            ("a".repeat(307), 3),
        ] {
            assert_eq!(segments(&text), count, "{text}");
        }
    }

    /// R7.7: accents cost no second message, and no name is mangled.
    #[test]
    fn only_accents_are_left_out_and_only_where_that_is_enough() {
        for (text, sent) in [
            ("¿Qué hará José Muñoz en Ávila? ¡Sí, «mañana»!", "¿Qué hara José Muñoz en Avila? ¡Si, \"mañana\"!"),
            ("María no avisó – pingüino, DÍA, ÓSCAR, ÚRSULA…", "Maria no aviso - pingüino, DIA, OSCAR, URSULA..."),
            ("Müller, Søren, Åse, Weiß, à", "Müller, Søren, Åse, Weiß, à"),
            // Half a stand-in helps nobody: such a text is not of that alphabet anyway.
            ("María y Łukasz", "María y Łukasz"),
            ("Zoë avisó", "Zoë avisó"),
            ("Мария está bien", "Мария está bien"),
            ("山田さん, ¿cómo está?", "山田さん, ¿cómo está?"),
            ("José 😀 está aquí", "José 😀 está aquí"),
        ] {
            assert_eq!(plain(text), sent);
        }
    }
}
