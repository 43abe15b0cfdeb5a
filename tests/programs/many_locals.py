"""A function with more than 64 locals, most of them set in a loop of branches."""

NAMES = [f"v{i}" for i in range(80)]


def wide(turns):
    (v0, v1, v2, v3, v4, v5, v6, v7, v8, v9) = range(10)
    (v10, v11, v12, v13, v14, v15, v16, v17, v18, v19) = range(10, 20)
    (v20, v21, v22, v23, v24, v25, v26, v27, v28, v29) = range(20, 30)
    (v30, v31, v32, v33, v34, v35, v36, v37, v38, v39) = range(30, 40)
    (v40, v41, v42, v43, v44, v45, v46, v47, v48, v49) = range(40, 50)
    (v50, v51, v52, v53, v54, v55, v56, v57, v58, v59) = range(50, 60)
    (v60, v61, v62, v63, v64, v65, v66, v67, v68, v69) = range(60, 70)
    for turn in range(turns):
        v0 += v69
        v69 = v0 - v68
        v64, v65 = v65, v64
        v33 = [v33, turn] if turn < 3 else None
        v68 = str(v69)[-1:].isdigit() + v67
    return [value for name, value in sorted(locals().items()) if name in NAMES][:12]


print(wide(6))
