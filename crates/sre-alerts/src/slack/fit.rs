//! Makes single blocks and attachments obey their own limits: one that is too large becomes several.

use serde::Serialize;

use super::attachment::{Attachment, Body, Color, Field};
use super::limits::{self, CONTEXT_ELEMENTS, FIELD_TEXT, FIELDS, HEADER_TEXT, SECTION_TEXT};
use super::message::{Block, Message};
use super::text::Text;

/// Room for one piece, JSON and all: what [`limits::TOTAL`] leaves beside the message's own text, channel and part mark.
pub(super) const ROOM: usize = limits::TOTAL - 1600;

/// An attachment's title, footer and field names: no limit is documented, one line is meant.
const LINE: usize = 300;
/// A link that is longer is no link a person can use.
const LINK: usize = 1000;
/// An attachment's text, so that it fits beside title, link and footer.
const ATTACHMENT_TEXT: usize = 2500;
/// The fields of one block or attachment together.
const FIELDS_TOTAL: usize = 6000;

/// `,"attachments":[{"color":"#cccccc","blocks":[]}]` or the braces and keys of a block, rounded up.
pub(super) const WRAPPER: usize = 60;

/// What a message is packed from. The number tells attachments of the same colour apart.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    Block(Block),
    Colored(usize, Color, Block),
    Body(Color, Body),
}

/// Everything of a message but its text, in the order in which Slack shows it.
pub(super) fn pieces(message: &Message) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = message.blocks.iter().flat_map(fit_block).map(Piece::Block).collect();
    for (number, attachment) in message.attachments.iter().enumerate() {
        let Attachment { color, blocks, body } = attachment;
        pieces.extend(blocks.iter().flat_map(fit_block).map(|block| Piece::Colored(number, *color, block)));
        pieces.extend(fit_body(body).into_iter().map(|body| Piece::Body(*color, body)));
    }
    pieces
}

/// How many characters it adds to a message.
pub(super) fn size(piece: &impl Serialize) -> usize {
    serde_json::to_string(piece).map_or(usize::MAX, |json| limits::length(&json)).saturating_add(1)
}

fn fit_block(block: &Block) -> Vec<Block> {
    match block {
        Block::Header { text } if text.is_blank() => Vec::new(),
        Block::Header { text } => vec![Block::Header { text: truncated(text, HEADER_TEXT) }],
        Block::Section { text, fields } => fit_section(text.as_ref(), fields),
        Block::Divider => vec![Block::Divider],
        Block::Context { elements } => chunks(elements, CONTEXT_ELEMENTS, SECTION_TEXT)
            .into_iter()
            .map(|elements| Block::Context { elements })
            .collect(),
    }
}

fn fit_section(text: Option<&Text>, fields: &[Text]) -> Vec<Block> {
    let texts = text.map(|t| (t, limits::split(t.as_str(), SECTION_TEXT))).into_iter();
    let texts = texts.flat_map(|(t, pieces)| pieces.into_iter().map(|piece| t.with(piece))).filter(|t| !t.is_blank());
    let mut blocks: Vec<Block> = texts.map(|text| Block::Section { text: Some(text), fields: Vec::new() }).collect();
    let mut chunks = chunks(fields, FIELDS, FIELD_TEXT).into_iter();
    // The first facts stay in the block of the text they belong to, if both fit.
    if let Some(Block::Section { text: Some(text), fields }) = blocks.last_mut()
        && let Some(first) = chunks.as_slice().first()
        && size(text) + first.iter().map(size).sum::<usize>() + WRAPPER <= ROOM
    {
        *fields = chunks.next().unwrap_or_default();
    }
    blocks.extend(chunks.map(|fields| Block::Section { text: None, fields }));
    blocks
}

/// Texts in groups of at most `count`, and of a total size that fits a block. Slack refuses empty texts: a dash holds their place.
fn chunks(texts: &[Text], count: usize, limit: usize) -> Vec<Vec<Text>> {
    if texts.iter().all(Text::is_blank) {
        return Vec::new();
    }
    let texts = texts.iter().map(|t| if t.is_blank() { t.with("–") } else { truncated(t, limit) });
    grouped(texts, count)
}

fn grouped<T: Serialize>(items: impl Iterator<Item = T>, count: usize) -> Vec<Vec<T>> {
    let mut groups: Vec<Vec<T>> = Vec::new();
    let mut total = 0;
    for item in items {
        let n = size(&item);
        match groups.last_mut() {
            Some(group) if group.len() < count && total + n <= FIELDS_TOTAL => {
                total += n;
                group.push(item);
            }
            _ => {
                total = n;
                groups.push(vec![item]);
            }
        }
    }
    groups
}

fn truncated(text: &Text, limit: usize) -> Text {
    text.with(limits::truncate(text.as_str(), limit))
}

fn fit_body(body: &Body) -> Vec<Body> {
    if body.is_blank() {
        return Vec::new();
    }
    let line = |text: &String| limits::truncate(text, LINE).into_owned();
    let mut title = body.title.as_ref().map(line);
    let title_link = body.title_link.clone().filter(|link| limits::length(link) <= LINK);
    if body.title_link.is_some() && title_link.is_none() {
        title = title.map(|t| format!("{t} (its link is too long)"));
    }
    let head = Body { title, title_link, ..Body::default() };
    let texts = body.text.as_ref().map(|t| limits::split(t, ATTACHMENT_TEXT)).unwrap_or_default();
    let fields = body.fields.iter().map(|f| Field {
        title: line(&f.title),
        value: limits::truncate(&f.value, FIELD_TEXT).into_owned(),
        short: f.short,
    });
    let mut bodies = vec![head];
    for text in texts.into_iter().filter(|t| !t.trim().is_empty()) {
        let text = Body { text: Some(text), mrkdwn_in: body.mrkdwn_in.clone(), ..Body::default() };
        join(&mut bodies, text);
    }
    for fields in grouped(fields, FIELDS) {
        join(&mut bodies, Body { fields, ..Body::default() });
    }
    if let Some(last) = bodies.last_mut() {
        last.footer = body.footer.as_ref().map(line);
        last.ts = body.ts;
    }
    bodies.retain(|b| !b.is_blank());
    bodies
}

/// Puts `next` into the last body if it has nothing of that sort yet and both fit.
fn join(bodies: &mut Vec<Body>, next: Body) {
    // The footer comes last and must fit too.
    let fits = bodies.last().is_some_and(|last| size(last) + size(&next) + 2 * LINE <= ROOM);
    match bodies.last_mut() {
        Some(last) if fits && next.text.is_some() && last.text.is_none() && last.fields.is_empty() => {
            last.text = next.text;
            last.mrkdwn_in = next.mrkdwn_in;
        }
        Some(last) if fits && next.text.is_none() && last.fields.is_empty() => last.fields = next.fields,
        _ => bodies.push(next),
    }
}
