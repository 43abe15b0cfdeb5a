// The recorded files, and how much of each ran.

import { count, sharedFolder, visible } from "../lib/format";
import { useAtom, useModel } from "./hooks";
import { Empty, Failure, Loading } from "./panel";
import { VirtualList } from "./virtual_list";

export function Files() {
  const model = useModel();
  const { files, documents } = model;
  const all = useAtom(files.files);
  const total = useAtom(files.total);
  const error = useAtom(files.error);
  const shown = useAtom(documents.shown);
  if (error) return <Failure text={error} retry={() => void files.load()} />;
  if (total === null) return <Loading label="Loading files" />;
  if (all.length === 0) return <Empty title="No files" text="No code of a file was recorded." />;
  const folder = sharedFolder(all.map((file) => file.path));
  return (
    <VirtualList
      name="files"
      label="Files"
      role="listbox"
      count={all.length}
      rowHeight={24}
      onOpen={(index) => all[index] && model.showSource(all[index].path, 0)}
      row={(index) => {
        const file = all[index];
        if (!file) return { content: null };
        const share = file.lines > 0 ? file.linesRun / file.lines : 0;
        const title = [
          file.path,
          `${count(file.linesRun)} of ${count(file.lines)} lines with code ran; ${count(file.steps)} steps`,
          file.hasSource ? "" : "The text of this file is not recorded.",
          file.mayDiffer ? "The file may have changed before its text was recorded." : "",
        ];
        return {
          selected: file.path === shown?.path,
          content: (
            <>
              <span class={`text ${file.hasSource ? "" : "faint"}`} title={title.filter(Boolean).join("\n")}>
                {visible(file.path.slice(folder.length))}
                {file.mayDiffer && <span class="warm"> may differ</span>}
              </span>
              <span class="meter" role="presentation">
                <span style={{ width: `${share * 100}%` }} />
              </span>
              <span class="type">{Math.round(share * 100)} %</span>
            </>
          ),
        };
      }}
    />
  );
}
