"""What the people of the sample world say, as the content of Matrix events."""

from typing import Any

Content = dict[str, Any]
POLL, VOTE = "org.matrix.msc3381.poll.start", "org.matrix.msc3381.poll.response"
TEXT = "org.matrix.msc1767.text"


def message(text: str) -> Content:
    return {"msgtype": "m.text", "body": text}


def reply(text: str, to: str) -> Content:
    return message(text) | {"m.relates_to": {"m.in_reply_to": {"event_id": to}}}


def answer(text: str, root: str, newest: str) -> Content:
    """In the thread of `root`; apps that know no threads see a reply to the newest."""
    return message(text) | {
        "m.relates_to": {
            "rel_type": "m.thread",
            "event_id": root,
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": newest},
        }
    }


def edit(text: str, of: str) -> Content:
    return message(f"* {text}") | {
        "m.new_content": message(text),
        "m.relates_to": {"rel_type": "m.replace", "event_id": of},
    }


def reaction(key: str, to: str) -> Content:
    return {"m.relates_to": {"rel_type": "m.annotation", "event_id": to, "key": key}}


def picture(caption: str, name: str, uri: str, size: tuple[int, int], length: int) -> Content:
    return {
        "msgtype": "m.image",
        "body": caption,
        "filename": name,
        "url": uri,
        "info": {"mimetype": "image/jpeg", "w": size[0], "h": size[1], "size": length},
    }


def poll(text: str) -> Content:
    """A poll from `question | answer | answer`, in the form that today's apps know."""
    question, *choices = (part.strip() for part in text.split("|"))
    fallback = "\n".join([question, *(f"{i}. {choice}" for i, choice in enumerate(choices, 1))])
    return {
        TEXT: fallback,
        POLL: {
            "kind": "org.matrix.msc3381.poll.disclosed",
            "max_selections": 1,
            "question": {TEXT: question, "body": question, "msgtype": "m.text"},
            "answers": [{"id": str(i), TEXT: choice} for i, choice in enumerate(choices, 1)],
        },
    }


def vote(choice: str, poll: str) -> Content:
    return {
        "m.relates_to": {"rel_type": "m.reference", "event_id": poll},
        VOTE: {"answers": [choice]},
    }
