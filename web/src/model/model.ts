// The whole state of the window, and how its parts follow each other. It knows nothing of the page.

import type { Api } from "../api/client";
import { type Atom, atom } from "../lib/atom";
import { type Route, servedAs } from "../lib/moment";
import type { MoveArguments, MoveState, ProgramEvent, Recording } from "../lib/protocol";
import { BreakpointsModel } from "./breakpoints";
import { CallsModel } from "./calls";
import { DocumentsModel } from "./documents";
import { eventList } from "./events";
import { FilesModel } from "./files";
import { FlowModel } from "./flow";
import { FramesModel, seenOf, selectedFrame } from "./frames";
import { HistoryModel } from "./history";
import type { Link } from "./link";
import { LogModel } from "./log";
import { NoticesModel } from "./notices";
import type { PlaceList } from "./place_list";
import { Player } from "./player";
import { ProgressModel } from "./progress";
import { RecordingsModel } from "./recordings";
import { Settings, type Store } from "./settings";
import { TableModel } from "./table";
import { TabsModel } from "./tabs";
import { TasksModel } from "./tasks";
import { TimelineModel } from "./timeline";
import { VariablesModel } from "./variables";

export class Model {
  readonly settings: Settings;
  readonly player: Player;
  readonly recording: Atom<Recording | null> = atom<Recording | null>(null);
  readonly recordings: RecordingsModel;
  readonly documents: DocumentsModel;
  readonly frames: FramesModel;
  readonly tasks: TasksModel;
  readonly variables: VariablesModel;
  readonly flow: FlowModel;
  readonly calls: CallsModel;
  readonly files: FilesModel;
  readonly output: PlaceList<ProgramEvent>;
  readonly exceptions: PlaceList<ProgramEvent>;
  readonly history: HistoryModel;
  readonly table: TableModel;
  readonly timeline: TimelineModel;
  readonly breakpoints: BreakpointsModel;
  readonly progress: ProgressModel;
  readonly log: LogModel;
  readonly notices = new NoticesModel();
  readonly tabs = new TabsModel();
  /** The address: which recording, and which moment of it. */
  readonly route: Atom<Route>;

  /** The link may have been told to open a recording already: that of the route. */
  constructor(
    readonly link: Link,
    api: Api,
    store: Store,
    route: Route,
  ) {
    this.route = atom(route);
    this.settings = new Settings(store);
    this.player = new Player(this.link, () => this.flow.whole);
    this.recordings = new RecordingsModel(api);
    this.documents = new DocumentsModel(this.link);
    this.frames = new FramesModel(this.link);
    this.tasks = new TasksModel(this.link);
    this.variables = new VariablesModel(this.link, this.settings);
    this.calls = new CallsModel(this.link);
    this.flow = new FlowModel(this.link, (call, from, to) => this.calls.callsBetween(call, from, to));
    this.files = new FilesModel(this.link);
    this.output = eventList(this.link, "output");
    this.exceptions = eventList(this.link, "exception");
    this.history = new HistoryModel(this.link, () => this.frames.state.get());
    this.table = new TableModel(this.link, () => this.frames.state.get());
    this.timeline = new TimelineModel(this.link);
    this.breakpoints = new BreakpointsModel(this.link, this.settings);
    this.progress = new ProgressModel(this.link);
    this.log = new LogModel(this.link);
    this.log.entries.watch(() => this.log.entries.get().length > 0 && this.tabs.below.set("log"));
    this.player.stayed = (text) => this.notices.say(text);
    this.follow();
  }

  /** From here on, what the link brings is shown. */
  start() {
    this.link.opened.watch(() => this.begin());
    this.begin();
  }

  /** Go where an address says. */
  enter(route: Route) {
    const before = this.route.get();
    this.route.set(route);
    if (route.recording === "") {
      this.leave();
      void this.recordings.load();
    } else if (route.recording !== before.recording || this.link.state.get().kind === "idle") {
      this.leave();
      void this.link.open(servedAs(route), route.moment);
    } else if (route.moment) this.player.to(route.moment);
  }

  /** Go to what a list or a mark stands for: in a small window the code comes to the front. */
  goTo(args: MoveArguments) {
    this.tabs.place.set("code");
    this.player.go(args);
  }

  showSource(path: string, line: number) {
    this.tabs.place.set("code");
    this.documents.show(path, line);
  }

  private leave() {
    this.link.close();
    this.player.now.set(null);
    this.player.settled.set(null);
    this.player.rested.set(null);
    this.recording.set(null);
    this.frames.state.set(null);
    this.clearParts();
    this.history.clear();
    this.table.clear();
    this.documents.clear();
  }

  /** What was known by numbers of a session that has ended. */
  private clearParts() {
    this.calls.clear();
    this.tasks.clear();
    this.flow.clear();
    this.output.clear();
    this.exceptions.clear();
    this.progress.clear();
    this.log.clear();
  }

  /** A new session: the first, or one in place of a session that broke. */
  private begin() {
    const opened = this.link.opened.get();
    if (!opened) return;
    const { recording, state, text, roots } = opened;
    this.clearParts();
    if (roots) this.calls.know(roots);
    if (text !== null) this.documents.know(state.location.path, text);
    this.player.enter(opened);
    this.recording.set(recording);
    const program = `${recording.workdir}/${recording.program}`; // recorded anew it is the same one
    void this.breakpoints.begin(program);
    this.variables.begin(program);
    this.timeline.begin(recording.steps);
    void this.files.load();
    void this.output.start(state.place);
    void this.exceptions.start();
  }

  private follow() {
    const { player, frames } = this;
    player.now.watch(() => {
      const now = player.now.get();
      if (!now) return;
      this.link.moment = now.moment;
      this.documents.show(now.location.path, now.location.line);
      this.timeline.follow(now.moment.step);
    });
    player.settled.watch(() => {
      const now = player.settled.get();
      if (now) void frames.refresh(now, player.glance);
    });
    player.rested.watch(() => {
      const now = player.rested.get();
      if (!now) return;
      this.output.follow(now.moment.step, now.place);
      this.calls.current.set(callOf(now));
    });
    frames.state.watch(() => this.followFrame());
    this.tabs.below.watch(() => this.followTable());
    this.timeline.threads.watch(() => this.calls.showThreads([...this.timeline.threads.get().keys()]));
    this.breakpoints.version.watch(() => this.timeline.reload());
  }

  /** Nobody looks at it while another tab is in front. */
  private followTable() {
    if (this.tabs.below.get() === "table") void this.table.follow();
  }

  private followFrame() {
    const state = this.frames.state.get();
    const frame = selectedFrame(state);
    const seen = seenOf(state);
    void this.variables.refresh(frame, seen?.scopes);
    this.followTable();
    if (state) this.timeline.looked.set(state.thread);
    if (!state || !frame) return;
    const isTop = state.selected === 0 && state.thread === state.now.threadId && !state.task;
    if (!isTop && frame.source?.path) this.documents.show(frame.source.path, frame.line);
    const key = isTop ? state.now.location.key : frame.ct?.key;
    if (key === undefined || key === null) this.flow.clear();
    else void this.flow.refresh(state.now, key, frame.line, seen?.flow ?? null);
    if (!isTop) this.calls.current.set(key ?? null);
    else if (state.now === this.player.rested.get()) this.calls.current.set(callOf(state.now));
    if (this.player.waiting.get() === 0) this.history.list.follow(state.now.moment.step, state.now.place);
    this.calls.showThreads(state.threads.map((thread) => thread.id));
  }
}

/** The call to mark in the tree. The way down to one as deep as nobody counts is too long: the stack shows it. */
function callOf({ location }: MoveState): number | null {
  return location.callstackDepth === undefined ? null : location.key;
}
