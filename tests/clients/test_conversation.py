"""What one says with matrix-nio, another hears with mautrix, and the other way round."""

from tests.clients.person import Event, Person


def relation(event: Event) -> Event:
    found: Event = event["content"]["m.relates_to"]
    return found


async def test_each_hears_the_other(alice: Person, bob: Person, room: str) -> None:
    await alice.hears_event(await alice.says(room, "Is there tea?"))
    await bob.hears_of("m.room.message", room, body="Is there tea?")
    await bob.says(room, "有茶。")
    heard = await alice.hears_of("m.room.message", room, body="有茶。")
    assert heard["sender"] == bob.user_id
    await alice.says(room, "Good.")
    for person in (alice, bob):
        await person.hears_of("m.room.message", room, body="Good.")
    assert alice.texts(room) == bob.texts(room) == ["Is there tea?", "有茶。", "Good."]


async def test_edits(alice: Person, bob: Person, room: str) -> None:
    message = await alice.says(room, "Is there tee?")
    edit = await bob.hears_event(await alice.edits(room, message, "Is there tea?"))
    assert relation(edit) == {"rel_type": "m.replace", "event_id": message}
    assert edit["content"]["m.new_content"]["body"] == "Is there tea?"
    bundled = (await bob.event(room, message))["unsigned"]["m.relations"]["m.replace"]
    assert bundled["content"]["m.new_content"]["body"] == "Is there tea?"


async def test_replies(alice: Person, bob: Person, room: str) -> None:
    question = await alice.says(room, "Is there tea?")
    answer = await alice.hears_event(await bob.replies(room, question, "There is."))
    assert relation(answer)["m.in_reply_to"] == {"event_id": question}
    assert answer["content"]["body"] == "There is."


async def test_reactions(alice: Person, bob: Person, room: str) -> None:
    message = await alice.says(room, "There is tea.")
    reaction = await alice.hears_event(await bob.reacts(room, message, "👍"))
    assert reaction["type"] == "m.reaction"
    assert relation(reaction) == {"rel_type": "m.annotation", "event_id": message, "key": "👍"}


async def test_threads(alice: Person, bob: Person, room: str) -> None:
    root = await alice.says(room, "Which tea?")
    answer = await alice.hears_event(await bob.answers_in_thread(room, root, "Green."))
    assert relation(answer)["rel_type"] == "m.thread"
    assert relation(answer)["event_id"] == root
    bundled = (await bob.event(room, root))["unsigned"]["m.relations"]["m.thread"]
    assert (bundled["count"], bundled["current_user_participated"]) == (1, True)


async def test_redactions(alice: Person, bob: Person, room: str) -> None:
    message = await alice.says(room, "There is no tea.")
    await bob.hears_event(message)
    redaction = await bob.hears_event(await alice.redacts(room, message, "There is."))
    assert redaction["type"] == "m.room.redaction"
    assert redaction["content"] == {"redacts": message, "reason": "There is."}
    left = await bob.event(room, message)
    assert "body" not in left["content"]
    assert left["unsigned"]["redacted_because"]["event_id"] == redaction["event_id"]


async def test_read_receipts(alice: Person, bob: Person, room: str) -> None:
    message = await alice.says(room, "There is tea.")
    await bob.reads(room, message)
    heard = await alice.hears(
        lambda event: event["type"] == "m.receipt" and message in event["content"]
    )
    assert bob.user_id in heard["content"][message]["m.read"]


async def test_read_markers(alice: Person, bob: Person, room: str) -> None:
    message = await alice.says(room, "There is tea.")
    await bob.marks(room, message)
    await bob.hears_of("m.fully_read", room, event_id=message)
    await alice.hears(lambda event: event["type"] == "m.receipt" and message in event["content"])


async def test_typing(alice: Person, bob: Person, room: str) -> None:
    await bob.types(room)
    await alice.hears_of("m.typing", room, user_ids=[bob.user_id])
    await bob.says(room, "There is tea.")


async def test_going_back_to_the_beginning(alice: Person, bob: Person, room: str) -> None:
    said = [await alice.says(room, str(number)) for number in range(25)]
    pages = await bob.pages(room, 10)
    assert [len(page) for page in pages[:2]] == [10, 10]
    events = [event for page in pages for event in page]
    heard = [event["event_id"] for event in events if event["type"] == "m.room.message"]
    assert heard[::-1] == said
    assert events[-1]["type"] == "m.room.create"
    assert len({event["event_id"] for event in events}) == len(events)
