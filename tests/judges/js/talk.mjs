// Two people talk with matrix-js-sdk through the server whose address is the first argument.
// Each story that ends well is named with a tick; the first thing that goes wrong ends the script.

import assert from "node:assert/strict";
import * as sdk from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";

const baseUrl = process.argv[2];
const PATIENCE = 20_000; // milliseconds until news are missed; nothing is measured

logger.setLevel("silent");

/** Wait until `found` returns something, looking again whenever a client has news. */
function until(what, found) {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => end(reject, new Error(`Not seen: ${what}`)), PATIENCE);
    const look = setInterval(() => {
      const value = found();
      if (value) end(resolve, value);
    }, 10);
    function end(settle, value) {
      clearTimeout(limit);
      clearInterval(look);
      settle(value);
    }
  });
}

async function story(title, told) {
  await told();
  console.log(`✓ ${title}`);
}

async function register(name) {
  const auth = { type: "m.login.dummy" };
  const anyone = sdk.createClient({ baseUrl });
  const session = await anyone.registerRequest({ username: name, password: "a good password", auth });
  return sdk.createClient({
    baseUrl,
    userId: session.user_id,
    deviceId: session.device_id,
    accessToken: session.access_token,
  });
}

async function start(client) {
  await client.startClient({ initialSyncLimit: 20, threadSupport: true, lazyLoadMembers: true });
  await until("the first sync", () => client.getSyncState() === sdk.SyncState.Syncing);
}

const alice = await register("alice");
const bob = await register("bob");
let roomId, hers, his, root;

await story("start", async () => {
  await start(alice);
  await start(bob);
  assert.ok(alice.pushRules.global.override.length > 0);
});

await story("invite and join", async () => {
  const invite = [bob.getUserId()];
  ({ room_id: roomId } = await alice.createRoom({ name: "Tea", preset: "private_chat", invite }));
  const invited = await until("the invitation", () => bob.getRoom(roomId));
  assert.equal(invited.getMyMembership(), "invite");
  assert.equal(invited.name, "Tea");
  await bob.joinRoom(roomId);
  his = await until("his room", () => joined(bob));
  hers = await until("her room", () => joined(alice));
  await until("that he came", () => hers.getJoinedMemberCount() === 2);
});

function joined(client) {
  const room = client.getRoom(roomId);
  return room?.getMyMembership() === "join" && room;
}

await story("message", async () => {
  ({ event_id: root } = await alice.sendTextMessage(roomId, "Is there tea? 有茶吗？"));
  const heard = await until("the message", () => his.findEventById(root));
  assert.equal(heard.getContent().body, "Is there tea? 有茶吗？");
  await until("her own echo", () => hers.findEventById(root)?.status === null);
});

await story("reaction", async () => {
  const relation = { rel_type: "m.annotation", event_id: root, key: "👍" };
  await bob.sendEvent(roomId, "m.reaction", { "m.relates_to": relation });
  const thumbs = await until("the reaction", () =>
    hers.relations.getChildEventsForEvent(root, "m.annotation", "m.reaction")?.getSortedAnnotationsByKey(),
  );
  assert.equal(thumbs[0][0], "👍");
  assert.equal([...thumbs[0][1]][0].getSender(), bob.getUserId());
});

await story("edit", async () => {
  const { event_id } = await alice.sendTextMessage(roomId, "Gren.");
  const relation = { rel_type: "m.replace", event_id };
  const content = { msgtype: "m.text", body: "Green." };
  await alice.sendMessage(roomId, { ...content, "m.new_content": content, "m.relates_to": relation });
  await until("the edit", () => his.findEventById(event_id)?.getContent().body === "Green.");
});

await story("unread counts and receipt", async () => {
  await until("something unread", () => his.getRoomUnreadNotificationCount("total") > 0);
  const last = his.getLiveTimeline().getEvents().at(-1);
  await bob.sendReadReceipt(last);
  await until("nothing unread", () => his.getRoomUnreadNotificationCount("total") === 0);
  await until("his receipt", () => hers.getEventReadUpTo(bob.getUserId()) === last.getId());
});

await story("thread", async () => {
  await answerInThread(alice, "In the thread.");
  const thread = await until("the thread", () => his.getThread(root));
  await until("its answer", () => thread.replyToEvent?.getContent().body === "In the thread.");
  assert.equal(thread.length, 1);
  await until("it unread", () => his.getThreadUnreadNotificationCount(root, "total") === 1);
  await bob.sendReadReceipt(thread.replyToEvent);
  await until("it read", () => his.getThreadUnreadNotificationCount(root, "total") === 0);
  await his.fetchRoomThreads();
  assert.deepEqual(his.getThreads().map((each) => each.id), [root]);
});

/** The library throws when it hears itself before the answer: docs/decisions/0012-echo.md. */
async function answerInThread(client, body) {
  try {
    await client.sendMessage(roomId, root, { msgtype: "m.text", body });
  } catch (error) {
    assert.match(error.message, /not a local echo/);
  }
}

await story("typing", async () => {
  await alice.sendTyping(roomId, true, 20_000);
  await until("her typing", () => his.getMember(alice.getUserId())?.typing);
  await alice.sendTyping(roomId, false, 0);
  await until("her silence", () => !his.getMember(alice.getUserId()).typing);
});

await story("redaction", async () => {
  const { event_id } = await alice.sendTextMessage(roomId, "There is no tea.");
  await until("the message", () => his.findEventById(event_id));
  await alice.redactEvent(roomId, event_id, undefined, { reason: "There is." });
  await until("the redaction", () => his.findEventById(event_id).isRedacted());
  assert.equal(his.findEventById(event_id).getUnsigned().redacted_because.content.reason, "There is.");
});

await story("upload and authenticated download", async () => {
  const data = Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 256));
  const { content_uri } = await alice.uploadContent(data, { name: "请假条.pdf", type: "application/pdf" });
  const address = bob.mxcUrlToHttp(content_uri, undefined, undefined, undefined, false, true, true);
  const answer = await fetch(address, { headers: { Authorization: `Bearer ${bob.getAccessToken()}` } });
  assert.equal(answer.status, 200);
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), data);
  assert.equal((await fetch(address)).status, 401);
});

await story("scrollback", async () => {
  for (let number = 0; number < 30; number++) await alice.sendTextMessage(roomId, `${number}`);
  const late = sdk.createClient({ baseUrl });
  const session = await late.login("m.login.password", {
    identifier: { type: "m.id.user", user: "bob" },
    password: "a good password",
  });
  const second = sdk.createClient({ baseUrl, userId: session.user_id, deviceId: session.device_id, accessToken: session.access_token });
  await start(second);
  const room = second.getRoom(roomId);
  const bodies = () => room.getLiveTimeline().getEvents().map((event) => event.getContent().body);
  assert.equal(room.getLiveTimeline().getEvents().length, 20);
  while (room.getLiveTimeline().getPaginationToken("b")) await second.scrollback(room, 10);
  assert.equal(room.getLiveTimeline().getEvents()[0].getType(), "m.room.create");
  assert.deepEqual(bodies().slice(-30), Array.from({ length: 30 }, (_, number) => `${number}`));
  await room.loadMembersIfNeeded();
  assert.equal(room.getJoinedMembers().length, 2);
  second.stopClient();
});

await story("display name", async () => {
  await alice.setDisplayName("Alice 爱丽丝");
  await until("her name", () => his.getMember(alice.getUserId())?.name === "Alice 爱丽丝");
});

await story("account data and tags", async () => {
  await alice.setAccountData("org.example.colour", { value: "green" });
  await until("it", () => alice.getAccountData("org.example.colour")?.getContent().value === "green");
  await alice.setRoomTag(roomId, "m.favourite", { order: 0.5 });
  await until("the tag", () => hers.tags["m.favourite"]?.order === 0.5);
});

await story("logout", async () => {
  // What the library still asks for in the background is refused from here on.
  process.on("unhandledRejection", (error) => assert.equal(error.errcode, "M_UNKNOWN_TOKEN"));
  alice.stopClient();
  await alice.logout();
  const again = sdk.createClient({ baseUrl, accessToken: alice.getAccessToken(), userId: alice.getUserId() });
  await assert.rejects(again.whoami(), { errcode: "M_UNKNOWN_TOKEN" });
  bob.stopClient();
  await bob.logout(true);
});

process.exit(0);
