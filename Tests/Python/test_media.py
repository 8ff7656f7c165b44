# SPDX-License-Identifier: Apache-2.0
"""acl.media: memory for image processing, descriptions that hold what was put in, work that a CPU refuses."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest

INVALID = 100000
NO_MATCH = 100027
FAILURE = 500001
FREED = 107000
UNSUPPORTED = 207000
# Fields of a description: (setter and getter, largest value).
PICTURE_FIELDS = {
    "size": 2**32 - 1,
    "format": 10000,
    "width": 2**32 - 1,
    "height": 2**32 - 1,
    "width_stride": 2**32 - 1,
    "height_stride": 2**32 - 1,
    "ret_code": 2**32 - 1,
}
VIDEO_FIELDS = {"size": 2**32 - 1, "format": 3, "timestamp": 2**64 - 1, "ret_code": 2**32 - 1, "eos": 1}
BORDER_FIELDS = {"border_type": 3, "top": 2**32 - 1, "bottom": 2**32 - 1, "left": 2**32 - 1, "right": 2**32 - 1}
OBJECTS = {
    "pic_desc": (),
    "stream_desc": (),
    "resize_config": (),
    "jpege_config": (),
    "border_config": (),
    "channel_desc": (),
    "roi_config": (0, 1, 0, 1),
    "batch_pic_desc": (4,),
}


@pytest.fixture
def media(device):
    return device.media


def call(module, verb, kind, *arguments):
    return getattr(module, f"dvpp_{verb}_{kind}")(*arguments)


def test_memory_is_device_memory(device, media):
    free_before, _, ret = device.rt.get_mem_info(1)
    memory, ret = media.dvpp_malloc(100)
    assert ret == 0 and memory % 128 == 0
    free, _, ret = device.rt.get_mem_info(1)
    assert free_before - free == 160, "rounded up to a multiple of 32, plus 32"
    source = np.arange(100, dtype=np.uint8)
    target = np.zeros(100, dtype=np.uint8)
    assert device.rt.memcpy(memory, 100, source.ctypes.data, 100, 1) == 0
    assert device.rt.memcpy(target.ctypes.data, 100, memory, 100, 2) == 0
    assert np.array_equal(source, target)
    assert device.rt.memset(memory, 160, 7, 160) == 0
    assert device.rt.memset(memory, 161, 7, 161) == FREED
    assert "image processing" in device.get_recent_err_msg()
    assert media.dvpp_free(memory) == 0
    assert device.rt.get_mem_info(1)[0] == free_before


def test_memory_serves_a_model(device, media, make_model):
    from model_support import dense_model, random_inputs

    model = dense_model(3)
    (given,) = random_inputs(model, 4)
    data = make_model(model)
    model_id, ret = device.mdl.load_from_mem(device.util.bytes_to_ptr(data), len(data))
    assert ret == 0, device.get_recent_err_msg()
    description = device.mdl.create_desc()
    assert device.mdl.get_desc(description, model_id) == 0
    size = device.mdl.get_output_size_by_index(description, 0)
    results = []
    for allocate, free in ((media.dvpp_malloc, media.dvpp_free), (lambda n: device.rt.malloc(n, 0), device.rt.free)):
        blocks = [allocate(given.nbytes)[0], allocate(size)[0]]
        assert device.rt.memcpy(blocks[0], given.nbytes, given.ctypes.data, given.nbytes, 1) == 0
        datasets = [device.mdl.create_dataset(), device.mdl.create_dataset()]
        buffers = [device.create_data_buffer(blocks[0], given.nbytes), device.create_data_buffer(blocks[1], size)]
        for dataset, buffer in zip(datasets, buffers, strict=True):
            assert device.mdl.add_dataset_buffer(dataset, buffer)[1] == 0
        assert device.mdl.execute(model_id, *datasets) == 0, device.get_recent_err_msg()
        results.append(np.empty(size, dtype=np.uint8))
        assert device.rt.memcpy(results[-1].ctypes.data, size, blocks[1], size, 2) == 0
        assert [free(block) for block in blocks] == [0, 0]
        assert [device.mdl.destroy_dataset(dataset) for dataset in datasets] == [0, 0]
        assert [device.destroy_data_buffer(buffer) for buffer in buffers] == [0, 0]
    assert results[0].any() and np.array_equal(*results)
    assert (device.mdl.destroy_desc(description), device.mdl.unload(model_id)) == (0, 0)


def test_memory_with_attributes(device, media):
    memory, ret = media.dvpp_malloc_with_cfg(64, 0, {})
    assert ret == 0 and media.dvpp_free(memory) == 0
    module = {"numAttrs": 1, "attrs": [{"attr": 1, "value": {"moduleId": 3}}]}
    memory, ret = media.dvpp_malloc_with_cfg(64, 0, module)
    assert ret == 0 and device.rt.free(memory) == 0
    other = {"numAttrs": 1, "attrs": [{"attr": 2, "value": {"deviceId": 99}}]}
    assert media.dvpp_malloc_with_cfg(64, 0, other) == (0, FREED)
    assert "device 99" in device.get_recent_err_msg()
    assert media.dvpp_malloc_with_cfg(0, 0, {}) == (0, INVALID)


@pytest.mark.parametrize("size", [0, 2**64 - 1])
def test_sizes_that_make_no_sense_are_refused(device, media, size):
    assert media.dvpp_malloc(size) == (0, INVALID)
    message = device.get_recent_err_msg()
    assert "acldvppMalloc" in message and f"The value {size} of size" in message


def test_freeing_is_checked(device, media):
    memory, _ = media.dvpp_malloc(4096)
    assert media.dvpp_free(memory + 64) == FREED
    assert "64 bytes into a block of 4096 bytes" in device.get_recent_err_msg()
    assert media.dvpp_free(memory) == 0
    assert media.dvpp_free(memory) == FREED
    message = device.get_recent_err_msg()
    assert "acldvppFree" in message and "a freed block of 4096 bytes of device memory for image processing" in message
    assert media.dvpp_free(0) == INVALID
    host, _ = device.rt.malloc_host(64)
    assert media.dvpp_free(host) == FREED
    assert device.rt.free_host(host) == 0
    foreign = np.zeros(8)
    assert media.dvpp_free(foreign.ctypes.data) == FREED
    assert "did not allocate" in device.get_recent_err_msg()
    plain, _ = device.rt.malloc(64, 0)
    assert media.dvpp_free(plain) == 0, "as on the original"


@pytest.mark.parametrize(
    ("kind", "fields"), [("pic_desc", PICTURE_FIELDS), ("stream_desc", VIDEO_FIELDS), ("border_config", BORDER_FIELDS)]
)
def test_descriptions_hold_what_was_put_in(media, kind, fields):
    chosen = random.Random(7)
    described = [call(media, "create", kind) for _ in range(3)]
    assert len({*described, 0}) == 4
    expected = {}
    for handle in described:
        for field in fields:
            assert call(media, "get", f"{kind}_{field}", handle) == 0, "nothing is set at first"
    for handle in described:
        for field, largest in fields.items():
            value = chosen.choice([largest, chosen.randrange(largest + 1)])
            assert call(media, "set", f"{kind}_{field}", handle, value) == 0
            expected[handle, field] = value
    for (handle, field), value in expected.items():
        assert call(media, "get", f"{kind}_{field}", handle) == value
    assert [call(media, "destroy", kind, handle) for handle in described] == [0, 0, 0]


@pytest.mark.parametrize("kind", ["pic_desc", "stream_desc"])
def test_data_of_a_description(device, media, kind):
    description = call(media, "create", kind)
    own = np.zeros(16, dtype=np.uint8)
    assert call(media, "get", f"{kind}_data", description) == 0
    assert call(media, "set", f"{kind}_data", description, own.ctypes.data) == 0
    assert call(media, "get", f"{kind}_data", description) == own.ctypes.data
    assert call(media, "set", f"{kind}_data", description, 0) == INVALID
    memory, _ = media.dvpp_malloc(16)
    assert media.dvpp_free(memory) == 0
    assert call(media, "set", f"{kind}_data", description, memory) == INVALID
    assert "freed block" in device.get_recent_err_msg()
    assert call(media, "get", f"{kind}_data", description) == own.ctypes.data, "a refused value changes nothing"
    assert call(media, "destroy", kind, description) == 0


def test_end_of_sequence_is_a_flag(media):
    video = media.dvpp_create_stream_desc()
    assert (media.dvpp_set_stream_desc_eos(video, 200), media.dvpp_get_stream_desc_eos(video)) == (0, 1)
    assert (media.dvpp_set_stream_desc_eos(video, 0), media.dvpp_get_stream_desc_eos(video)) == (0, 0)
    assert media.dvpp_destroy_stream_desc(video) == 0


def test_batches_own_their_pictures(device, media):
    batch = media.dvpp_create_batch_pic_desc(256)
    pictures = [media.dvpp_get_pic_desc(batch, index) for index in range(256)]
    assert len({*pictures, 0}) == 257
    assert media.dvpp_get_pic_desc(batch, 3) == pictures[3], "the same each time"
    for index, picture in enumerate(pictures):
        assert media.dvpp_set_pic_desc_width(picture, index) == 0
    assert [media.dvpp_get_pic_desc_width(picture) for picture in pictures] == list(range(256))
    assert media.dvpp_destroy_pic_desc(pictures[0]) == INVALID
    assert "belongs to a batch" in device.get_recent_err_msg()
    assert media.dvpp_get_pic_desc(batch, 256) == 0
    assert "below 256" in device.get_recent_err_msg()
    assert media.dvpp_destroy_batch_pic_desc(batch) == 0
    assert media.dvpp_get_pic_desc_width(pictures[5]) == 0
    assert "has been destroyed" in device.get_recent_err_msg()
    assert [media.dvpp_create_batch_pic_desc(size) for size in (0, 257, 2**32 - 1)] == [0, 0, 0]
    assert "1 to 256" in device.get_recent_err_msg()


def test_limits_of_settings(device, media):
    area = media.dvpp_create_roi_config(2, 65535, 4, 7)
    assert area and media.dvpp_create_roi_config(2, 65536, 4, 7) == 0
    assert "The value 65536 of right is invalid" in device.get_recent_err_msg()
    assert media.dvpp_set_roi_config(area, 0, 1, 2, 3) == 0
    assert media.dvpp_set_roi_config(area, 0, 1, 2, 65536) == INVALID
    for side in ("left", "right", "top", "bottom"):
        set_side = getattr(media, f"dvpp_set_roi_config_{side}")
        assert (set_side(area, 65535), set_side(area, 65536)) == (0, INVALID)
    assert media.dvpp_destroy_roi_config(area) == 0

    resize = media.dvpp_create_resize_config()
    for kind in range(5):
        assert media.dvpp_set_resize_config_interpolation(resize, kind) == 0
        assert media.dvpp_get_resize_config_interpolation(resize) == kind
    assert media.dvpp_set_resize_config_interpolation(resize, 5) == INVALID
    assert media.dvpp_get_resize_config_interpolation(resize) == 4
    assert media.dvpp_destroy_resize_config(resize) == 0

    encoder = media.dvpp_create_jpege_config()
    assert (media.dvpp_set_jpege_config_level(encoder, 80), media.dvpp_get_jpege_config_level(encoder)) == (0, 80)
    assert media.dvpp_destroy_jpege_config(encoder) == 0

    border = media.dvpp_create_border_config()
    for index in range(4):
        assert media.dvpp_set_border_config_value(border, index, 0.1 * index) == 0
    assert [media.dvpp_get_border_config_value(border, index) for index in range(4)] == [0, 0.1, 0.2, 0.1 * 3]
    assert media.dvpp_set_border_config_value(border, 4, 1.0) == INVALID
    assert media.dvpp_get_border_config_value(border, 4) == 0
    assert media.dvpp_destroy_border_config(border) == 0

    channel = media.dvpp_create_channel_desc()
    assert [media.dvpp_set_channel_desc_mode(channel, mode) for mode in (1, 15, 0, 16)] == [0, 0, INVALID, INVALID]
    other = media.dvpp_create_channel_desc()
    assert 0 < media.dvpp_get_channel_desc_channel_id(channel) < media.dvpp_get_channel_desc_channel_id(other)
    assert media.dvpp_destroy_channel_desc(other) == 0
    assert media.dvpp_destroy_channel_desc(channel) == 0


@pytest.mark.parametrize("kind", OBJECTS)
def test_handles_are_checked(device, media, kind):
    handle = call(media, "create", kind, *OBJECTS[kind])
    other = device.mdl.create_dataset()
    assert call(media, "destroy", kind, handle) == 0
    for wrong, reason in ((handle, "has been destroyed"), (other, "of the kind dataset"), (12345, "not a handle")):
        assert call(media, "destroy", kind, wrong) == INVALID
        message = device.get_recent_err_msg()
        assert "acldvppDestroy" in message and reason in message
    assert call(media, "destroy", kind, 0) == INVALID
    assert "is null" in device.get_recent_err_msg()
    assert device.mdl.destroy_dataset(other) == 0


def test_work_of_the_hardware_is_refused(device, media):
    channel, picture = media.dvpp_create_channel_desc(), media.dvpp_create_pic_desc()
    resize, area = media.dvpp_create_resize_config(), media.dvpp_create_roi_config(0, 1, 0, 1)
    encoder = media.dvpp_create_jpege_config()
    data = np.zeros(64, dtype=np.uint8).ctypes.data
    calls = [
        (media.dvpp_create_channel, channel),
        (media.dvpp_destroy_channel, channel),
        (media.dvpp_vpc_resize_async, channel, picture, picture, resize, 0),
        (media.dvpp_vpc_crop_async, channel, picture, picture, area, 0),
        (media.dvpp_vpc_crop_resize_async, channel, picture, picture, area, resize, 0),
        (media.dvpp_vpc_crop_and_paste_async, channel, picture, picture, area, area, 0),
        (media.dvpp_vpc_crop_resize_paste_async, channel, picture, picture, area, area, resize, 0),
        (media.dvpp_vpc_convert_color_async, channel, picture, picture, 0),
        (media.dvpp_vpc_pyr_down_async, channel, picture, picture, 0, 0),
        (media.dvpp_jpeg_decode_async, channel, data, 64, picture, 0),
        (media.dvpp_jpeg_encode_async, channel, picture, data, data, encoder, 0),
        (media.dvpp_png_decode_async, channel, data, 64, picture, 0),
    ]
    for function, *arguments in calls:
        assert function(*arguments) == UNSUPPORTED, function
        assert "image processor" in device.get_recent_err_msg()
        assert function(0, *arguments[1:]) == INVALID
        assert "channelDesc is null" in device.get_recent_err_msg()
    assert media.dvpp_vpc_pyr_down_async(channel, picture, picture, 1, 0) == INVALID


# Pillow's name of the colours' sampling -> (acldvppJpegFormat, bytes of two pixels).
SAMPLINGS = {"4:4:4": (0, 6), "4:2:2": (1, 4), "4:2:0": (2, 3), "gray": (3, 3)}
# Formats that a picture of such a sampling may be decoded to, besides 4:2:0 and "unknown".
OWN_FORMATS = {"4:4:4": (5, 6), "4:2:2": (3, 4), "4:2:0": (), "gray": (0,)}


def jpeg(width, height, sampling, orientation=None):
    """The bytes of a picture, made by Pillow."""
    image_module = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(5).integers(0, 256, (height, width, 3), dtype=np.uint8)
    image = image_module.fromarray(pixels)
    options = {} if sampling == "gray" else {"subsampling": sampling}
    if orientation:
        exif = image_module.Exif()
        exif[0x010E] = "a description before the orientation"
        exif[0x0112] = orientation
        options["exif"] = exif
    stream = io.BytesIO()
    (image.convert("L") if sampling == "gray" else image).save(stream, "JPEG", **options)
    return stream.getvalue()


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("size", [(33, 64), (640, 427)])
def test_headers_of_jpeg_pictures(device, media, sampling, size):
    data = jpeg(*size, sampling)
    address = device.util.bytes_to_ptr(data)
    components = 1 if sampling == "gray" else 3
    assert media.dvpp_jpeg_get_image_info(address, len(data)) == (*size, components, 0)
    assert media.dvpp_jpeg_get_image_info_v2(address, len(data)) == (*size, components, SAMPLINGS[sampling][0], 0)
    padded = -(-size[0] // 128) * 128 * (-(-size[1] // 16) * 16)
    for wanted in (1, 2):
        assert media.dvpp_jpeg_predict_dec_size(address, len(data), wanted) == (padded * 3 // 2, 0)
    own = padded * SAMPLINGS[sampling][1] // 2
    assert media.dvpp_jpeg_predict_dec_size(address, len(data), 10000) == (own, 0)
    for wanted in range(7):
        if wanted not in (1, 2, *OWN_FORMATS[sampling]) and sampling != "gray":
            assert media.dvpp_jpeg_predict_dec_size(address, len(data), wanted) == (0, NO_MATCH)
            assert f"The value {wanted} of outputPixelFormat" in device.get_recent_err_msg()
        elif wanted in OWN_FORMATS[sampling]:
            assert media.dvpp_jpeg_predict_dec_size(address, len(data), wanted) == (own, 0)
    assert media.dvpp_jpeg_predict_dec_size(address, len(data), 12) == (0, NO_MATCH)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_jpeg_pictures(device, media, orientation):
    data = jpeg(96, 40, "4:2:0", orientation)
    shown = (40, 96) if orientation >= 5 else (96, 40)
    address = device.util.bytes_to_ptr(data)
    assert media.dvpp_jpeg_get_image_info(address, len(data)) == (*shown, 3, 0)
    padded = -(-shown[0] // 128) * 128 * (-(-shown[1] // 16) * 16)
    assert media.dvpp_jpeg_predict_dec_size(address, len(data), 1) == (padded * 3 // 2, 0)


def test_damaged_jpeg_pictures_are_refused(device, media):
    data = jpeg(48, 48, "4:2:2", 6)
    end_of_header = data.index(b"\xff\xda") + 2 + 2 + 10
    for length in range(end_of_header):
        part = data[:length]
        width, height, components, ret = media.dvpp_jpeg_get_image_info(device.util.bytes_to_ptr(part), length)
        assert (width, height, components, ret) == (0, 0, 0, FAILURE), length
    message = device.get_recent_err_msg()
    assert "acldvppJpegGetImageInfo" in message and "not a JPEG picture" in message
    chosen = random.Random(11)
    for _ in range(3000):
        damaged = bytearray(data)
        for _ in range(chosen.randrange(1, 4)):
            damaged[chosen.randrange(end_of_header)] = chosen.choice([0, 1, 0x7F, 0xFF, chosen.randrange(256)])
        damaged = bytes(damaged)
        assert media.dvpp_jpeg_get_image_info_v2(device.util.bytes_to_ptr(damaged), len(damaged))[-1] in (0, FAILURE)
    assert media.dvpp_jpeg_get_image_info(0, 10) == (0, 0, 0, INVALID)
    memory, _ = media.dvpp_malloc(64)
    assert media.dvpp_jpeg_get_image_info(memory, 4096) == (0, 0, 0, INVALID), "more than the block has"
    assert media.dvpp_free(memory) == 0
    small = jpeg(31, 64, "4:4:4")
    assert media.dvpp_jpeg_predict_dec_size(device.util.bytes_to_ptr(small), len(small), 1) == (0, INVALID)
    assert "32 to 8192" in device.get_recent_err_msg()


def test_memory_for_encoding(device, media):
    picture, encoder = media.dvpp_create_pic_desc(), media.dvpp_create_jpege_config()

    def predict(layout, width, height, width_stride, height_stride):
        for field, value in zip(
            ("format", "width", "height", "width_stride", "height_stride"),
            (layout, width, height, width_stride, height_stride),
            strict=True,
        ):
            assert getattr(media, f"dvpp_set_pic_desc_{field}")(picture, value) == 0
        return media.dvpp_jpeg_predict_enc_size(picture, encoder)

    def expected(numbers):
        return -(-(numbers + 768) // (2 << 20)) * (2 << 20)

    assert predict(1, 1920, 1080, 1920, 1080) == (expected(1920 * 1080 * 3 // 2), 0)
    assert predict(2, 4096, 4096, 4096, 4096) == (expected(4096 * 4096 * 3 // 2), 0)
    assert predict(7, 1920, 1080, 3840, 1088) == (expected(3840 * 1088), 0)
    for wrong in ((1, 31, 64, 32, 64), (1, 64, 8193, 64, 8208), (1, 64, 64, 72, 64), (7, 64, 64, 64, 64)):
        assert predict(*wrong) == (0, INVALID), wrong
    assert predict(1, 64, 65, 64, 72) == (0, INVALID)
    assert "height stride" in device.get_recent_err_msg()
    assert predict(1, 64, 64, 2**32 - 16, 2**32 - 16) == (0, INVALID)
    assert "4 GiB" in device.get_recent_err_msg()
    assert predict(12, 64, 64, 192, 64) == (0, NO_MATCH)
    assert media.dvpp_jpeg_predict_enc_size(picture, 0) == (0, INVALID)
    assert (media.dvpp_destroy_pic_desc(picture), media.dvpp_destroy_jpege_config(encoder)) == (0, 0)
