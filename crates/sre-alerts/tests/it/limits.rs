//! Whatever is put in, each part obeys every limit, and what is not in the parts is announced.

use proptest::prelude::*;
use sre_alerts::slack::{Attachment, Block, Color, Message, Text};

use crate::receiver::refusal;

fn words(longest: usize) -> impl Strategy<Value = String> {
    let alphabet = prop_oneof![
        8 => proptest::char::range('a', 'z'),
        1 => Just(' '), 1 => Just('\n'), 1 => Just('"'), 1 => Just('&'), 1 => Just('<'), 1 => Just('🦀'), 1 => Just('\u{7}'), 1 => Just('`'),
    ];
    // A short pattern repeated is as good as a long one and made much faster.
    (proptest::collection::vec(alphabet, 1..40), 0..=longest)
        .prop_map(|(pattern, length)| pattern.into_iter().cycle().take(length).collect())
}

fn text() -> impl Strategy<Value = Text> {
    prop_oneof![words(60), words(7000)].prop_map(Text::plain)
}

fn block() -> impl Strategy<Value = Block> {
    prop_oneof![
        words(400).prop_map(Block::header),
        text().prop_map(Block::section),
        proptest::collection::vec(text(), 0..14).prop_map(Block::fields),
        proptest::collection::vec(text(), 0..14).prop_map(Block::context),
        Just(Block::divider()),
        (text(), proptest::collection::vec(text(), 0..4))
            .prop_map(|(text, fields)| Block::Section { text: Some(text), fields }),
    ]
}

fn attachment() -> impl Strategy<Value = Attachment> {
    let fields = proptest::collection::vec((words(400), words(2500)), 0..14);
    let blocks = proptest::collection::vec(block(), 0..4);
    (words(500), words(6000), fields, blocks, words(500)).prop_map(|(title, text, fields, blocks, footer)| {
        let a = Attachment::new(Color::Warning).title(title).text(text).footer(footer);
        let a = a.title_link(format!("https://prom.example/{}", "x".repeat(fields.len() * 150)));
        let a = fields.iter().fold(a, |a, (name, value)| a.field(name, value));
        blocks.into_iter().fold(a, Attachment::block)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_part_is_within_the_limits(
        text in words(8000),
        blocks in proptest::collection::vec(block(), 0..12),
        many in 0..200_usize,
        attachments in proptest::collection::vec(attachment(), 0..4),
    ) {
        let message = Message::new(text).blocks(blocks).blocks(vec![Block::divider(); many]);
        let message = attachments.into_iter().fold(message, Message::attachment);
        let parts = message.parts();
        prop_assert!(parts.len() <= 10);
        for part in &parts {
            let json = serde_json::to_value(part).unwrap();
            prop_assert_eq!(refusal(&json), None, "{}", json);
        }
    }

    #[test]
    fn no_line_is_lost(lines in proptest::collection::vec("[a-z]{3,30}", 1..400)) {
        let numbered: Vec<String> = lines.iter().enumerate().map(|(i, line)| format!("{i}:{line};")).collect();
        for message in [
            Message::new(numbered.join("\n")),
            Message::new("x").block(Block::section(Text::plain(numbered.join("\n")))),
            Message::new("x").blocks(numbered.iter().map(|l| Block::section(Text::plain(l)))),
            Message::new("x").block(Block::fields(numbered.iter().map(Text::plain))),
            Message::new("x").attachment(Attachment::new(Color::Good).text(numbered.join("\n"))),
            numbered.iter().fold(Message::new("x"), |m, l| m.attachment(Attachment::new(Color::Good).title(l))),
        ] {
            let sent = serde_json::to_string(&message.parts()).unwrap();
            let cut = sent.contains("cut off here");
            prop_assert!(cut || numbered.iter().all(|line| sent.contains(line.as_str())), "{}", sent);
        }
    }
}

#[test]
fn an_oversized_message_says_what_was_cut() {
    let many = (0..2000).map(|i| Block::section(Text::mrkdwn(format!("finding {i}: {}", "x".repeat(100)))));
    let parts = Message::new("2000 findings").blocks(many).parts();
    assert_eq!(parts.len(), 10);
    let last = serde_json::to_string(parts.last().unwrap()).unwrap();
    assert!(last.contains("part 10 of 10; cut off here: ") && last.contains(" more blocks, "), "{last}");
    assert!(serde_json::to_string(&parts[1]).unwrap().contains("2000 findings (part 2 of 10)"));
}

#[test]
fn an_empty_message_has_no_parts() {
    let empty =
        Message::new(" ").block(Block::header("")).block(Block::fields([])).attachment(Attachment::new(Color::Good));
    assert!(empty.parts().is_empty());
}
