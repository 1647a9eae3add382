//! Packs fitted pieces into as few messages as the limits allow.

use serde::Serialize;

use super::attachment::Attachment;
use super::fit::{self, Piece, ROOM, WRAPPER};
use super::limits::{self, ATTACHMENTS, BLOCKS, PARTS, SECTION_TEXT};
use super::message::{Block, Message};
use super::text::Text;

/// The text of a message that has blocks is for notifications: one or two lines.
const FALLBACK: usize = 500;
/// One message as it goes over the wire, within every limit of [`limits`]. Made by [`Message::parts`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    blocks: Vec<Block>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<Attachment>,
}

/// A message being filled.
#[derive(Debug, Default)]
struct Draft {
    text: String,
    pieces: Vec<Piece>,
    size: usize,
    blocks: usize,
    attachments: usize,
    /// Which attachment the last piece belongs to.
    open: Option<usize>,
}

/// What was beyond [`PARTS`] messages.
#[derive(Debug, Clone, Copy)]
struct Cut {
    pieces: usize,
    characters: usize,
}

pub(super) fn parts(message: &Message) -> Vec<Part> {
    let pieces = fit::pieces(message);
    let mut drafts = texts(message, !pieces.is_empty());
    let repeated = if message.blocks.is_empty() { "" } else { message.text.as_str() };
    for piece in pieces {
        match drafts.last_mut() {
            Some(draft) if draft.has_room(&piece) => draft.put(piece),
            _ => {
                let text = limits::truncate(repeated, FALLBACK).into_owned();
                let mut draft = Draft { text, ..Draft::default() };
                draft.put(piece);
                drafts.push(draft);
            }
        }
    }
    let beyond = drafts.split_off(drafts.len().min(PARTS));
    let cut = (!beyond.is_empty()).then(|| Cut {
        pieces: beyond.iter().map(|d| d.pieces.len().max(1)).sum(),
        characters: beyond.iter().map(Draft::characters).sum(),
    });
    let total = drafts.len();
    let mark = |i: usize| (total > 1).then(|| mark(i + 1, total, cut.filter(|_| i + 1 == total)));
    drafts.into_iter().enumerate().map(|(i, draft)| draft.finish(mark(i), message.channel.clone())).collect()
}

/// The messages that begin with the text. With blocks it is a fallback; without them it is shown, so all of it is sent.
fn texts(message: &Message, more: bool) -> Vec<Draft> {
    let draft = |text: String| Draft { text, ..Draft::default() };
    if message.text.trim().is_empty() {
        return Vec::new();
    }
    if !message.blocks.is_empty() && more {
        return vec![draft(limits::truncate(&message.text, FALLBACK).into_owned())];
    }
    let pieces = limits::split(&message.text, SECTION_TEXT).into_iter();
    pieces.filter(|t| !t.trim().is_empty()).map(draft).collect()
}

fn mark(part: usize, total: usize, cut: Option<Cut>) -> String {
    match cut {
        None => format!("part {part} of {total}"),
        Some(Cut { pieces, characters }) => {
            format!("part {part} of {total}; cut off here: {pieces} more blocks, {characters} characters")
        }
    }
}

// === impl Part ===

impl Part {
    /// How many characters of JSON it is.
    #[must_use]
    pub fn characters(&self) -> usize {
        fit::size(self)
    }
}

// === impl Draft ===

impl Draft {
    fn has_room(&self, piece: &Piece) -> bool {
        // A text that fills a message of its own leaves no room that was counted on.
        let text = fit::size(&self.text).saturating_sub(2 * FALLBACK);
        let fits = text + self.size + size(piece) <= ROOM;
        // One block is kept for the part mark.
        let blocks = self.blocks + 1 < BLOCKS;
        match piece {
            Piece::Block(_) => fits && blocks,
            Piece::Colored(number, ..) => {
                fits && blocks && (self.open == Some(*number) || self.attachments < ATTACHMENTS)
            }
            Piece::Body(..) => fits && self.attachments < ATTACHMENTS,
        }
    }

    fn put(&mut self, piece: Piece) {
        self.size += size(&piece);
        match &piece {
            Piece::Block(_) => self.blocks += 1,
            Piece::Colored(number, ..) => {
                self.blocks += 1;
                self.attachments += usize::from(self.open != Some(*number));
                self.open = Some(*number);
            }
            Piece::Body(..) => {
                self.attachments += 1;
                self.open = None;
            }
        }
        self.pieces.push(piece);
    }

    fn characters(&self) -> usize {
        limits::length(&self.text) + self.size
    }

    fn finish(self, mark: Option<String>, channel: Option<String>) -> Part {
        let mut part = Part { channel, text: self.text, blocks: Vec::new(), attachments: Vec::new() };
        let mut open = None;
        for piece in self.pieces {
            match piece {
                Piece::Block(block) => part.blocks.push(block),
                Piece::Colored(number, color, block) => match part.attachments.last_mut() {
                    Some(last) if open == Some(number) => last.blocks.push(block),
                    _ => {
                        open = Some(number);
                        part.attachments.push(Attachment::new(color).block(block));
                    }
                },
                Piece::Body(color, body) => {
                    open = None;
                    part.attachments.push(Attachment { color, blocks: Vec::new(), body });
                }
            }
        }
        if let Some(mark) = mark {
            if !part.blocks.is_empty() {
                part.blocks.push(Block::context([Text::plain(&mark)]));
            }
            let space = if part.text.is_empty() { "" } else { " " };
            part.text = format!("{}{space}({mark})", part.text);
        }
        part
    }
}

fn size(piece: &Piece) -> usize {
    match piece {
        Piece::Block(block) => fit::size(block),
        Piece::Colored(_, _, block) => fit::size(block) + WRAPPER,
        Piece::Body(_, body) => fit::size(body) + WRAPPER,
    }
}
